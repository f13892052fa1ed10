import { API, send } from '../api/client.ts';
import { usePolled } from '../api/polled.ts';
import type { SystemStatus } from '../api/types.ts';
import { PolledPage } from '../page.tsx';
import { Fact, Facts, Panel } from '../panels/panel.tsx';
import { text } from '../text.ts';
import { aboutText as words } from '../texts/about.ts';

/** The version of the server, whether it answers, and the licences. */
export function AboutPage() {
  const polled = usePolled((signal) => send<SystemStatus>('GET', API, { signal }));
  return (
    <PolledPage title={text.pages.about} polled={polled}>
      {({ build }) => (
        <Panel title={words.server}>
          <Facts isWide>
            <Fact name={words.version}>{build}</Fact>
            <Fact name={words.health}>{polled.problem.value === undefined ? words.answers : words.silent}</Fact>
            <Fact name={words.api}>
              <a href="/openapi.json">openapi.json</a>
            </Fact>
            <Fact name={words.licence}>
              <a href="https://www.apache.org/licenses/LICENSE-2.0" rel="noreferrer">
                Apache-2.0
              </a>
            </Fact>
            <Fact name={words.others}>Preact, Preact Signals (MIT)</Fact>
          </Facts>
        </Panel>
      )}
    </PolledPage>
  );
}
