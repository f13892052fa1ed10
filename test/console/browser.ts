import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const SYSTEM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A Chromium, and why there is none where none starts. */
export interface FoundBrowser {
  readonly browser: Browser | undefined;
  /** The reason to skip; false where there is a browser. */
  readonly skip: string | false;
}

/** Starts the Chromium of `LINKSPAN_CHROMIUM` or of the system, else the one of the package `@sparticuz/chromium`. */
export async function startBrowser(): Promise<FoundBrowser> {
  const { LINKSPAN_CHROMIUM: given } = process.env;
  const found = given ?? SYSTEM.find((path) => existsSync(path));
  try {
    const executablePath = found ?? (await (await import('@sparticuz/chromium')).default.executablePath());
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    return { browser, skip: false };
  } catch (error) {
    const [reason = ''] = String(error).split('\n');
    return { browser: undefined, skip: `no Chromium starts here: ${reason}` };
  }
}

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colours?: 'light' | 'dark';
}

/** A page that notes what must not happen: errors in its console, and requests to other origins. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Everything that a good page does not do. */
  readonly faults: string[];
}

/** Opens a page of its own session. @param origin  the only origin that it may ask */
export async function openPage(browser: Browser, origin: string, options: PageOptions = {}): Promise<WatchedPage> {
  const { width = 1280, height = 900, colours = 'light' } = options;
  const context = await browser.newContext({
    locale: 'en-US',
    timezoneId: 'Europe/Berlin',
    viewport: { width, height },
    colorScheme: colours,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) faults.push(`a request to ${request.url()}`);
  });
  return { page, context, faults, [Symbol.asyncDispose]: () => context.close() };
}
