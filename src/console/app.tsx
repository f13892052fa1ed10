import { useSignal } from '@preact/signals';
import type { ComponentChildren, ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { readSession, session, signInByLink, signOut } from './api/session.ts';
import { Mark } from './icon.tsx';
import { mayRead, Navigation } from './navigation.tsx';
import { AboutPage } from './pages/about.tsx';
import { AccessPage } from './pages/access.tsx';
import { AgentsPage } from './pages/agents.tsx';
import { AuditPage } from './pages/audit.tsx';
import { HomePage } from './pages/home.tsx';
import { MigrationPage } from './pages/migration.tsx';
import { NewMigrationPage } from './pages/new-migration.tsx';
import { NotFoundPage } from './pages/not-found.tsx';
import { ProjectsPage } from './pages/projects.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { type PageName, route } from './router.ts';
import { messageOf, text } from './text.ts';

const RETRY_MS = 3000;

/** The console: the sign-in, or the page of the address. */
export function App() {
  const refusal = useSignal<string | undefined>(undefined);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = () =>
      readSession().catch(() => {
        timer = setTimeout(ask, RETRY_MS);
      });
    const refuse = (error: unknown) => {
      refusal.value = messageOf(error);
    };
    void signInByLink().catch(refuse).then(ask);
    return () => clearTimeout(timer);
  }, []);
  if (session.value === 'unknown') return <main class="entry mute">{text.loading}</main>;
  if (session.value === null) return <SignInPage refusal={refusal.value} />;
  return (
    <Frame>
      <Page />
    </Frame>
  );
}

const PAGES: Readonly<Record<PageName, ComponentType>> = {
  home: HomePage,
  new: NewMigrationPage,
  projects: ProjectsPage,
  agents: AgentsPage,
  access: AccessPage,
  audit: AuditPage,
  about: AboutPage,
};

function Page() {
  const { value } = route;
  if (value.page === 'migration') return <MigrationPage key={value.migrationId} {...value} />;
  if (value.page === 'unknown' || !mayRead(value.page))
    return (
      <NotFoundPage title={text.notFound}>
        <p>{text.notFoundWhy}</p>
      </NotFoundPage>
    );
  const Shown = PAGES[value.page];
  return <Shown />;
}

function Frame({ children }: { readonly children: ComponentChildren }) {
  const { value: current } = session;
  return (
    <div class="app">
      <header class="side">
        <div>
          <a class="brand" href="#/">
            <Mark />
            {text.product}
          </a>
          <Navigation />
          {current !== null && current !== 'unknown' && (
            <div class="who">
              <span>
                {text.signIn.signedInAs}
                <b>{current.name}</b>
              </span>
              <button type="button" onClick={() => void signOut().catch(() => readSession())}>
                {text.signIn.signOut}
              </button>
            </div>
          )}
        </div>
      </header>
      <main>{children}</main>
    </div>
  );
}
