import { useSignal } from '@preact/signals';
import { hasEnded, signIn } from '../api/session.ts';
import { Mark } from '../icon.tsx';
import { Message } from '../message.tsx';
import { messageOf, text } from '../text.ts';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Asks for a key or a service account. The fields are cleared as soon as they are sent.
 * @param refusal  why the sign-in by the link of the address failed
 */
export function SignInPage({ refusal }: { readonly refusal: string | undefined }) {
  const problem = useSignal(refusal);
  const busy = useSignal(false);
  const isPlain = location.protocol !== 'https:' && !LOOPBACK.test(location.hostname);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (busy.value || !(form instanceof HTMLFormElement)) return;
    const fields = new FormData(form);
    const secret = form.elements.namedItem('secret');
    if (!(secret instanceof HTMLInputElement)) return;
    busy.value = true;
    problem.value = undefined;
    try {
      await signIn(String(fields.get('name') ?? '').trim(), String(fields.get('secret') ?? '').trim());
    } catch (error) {
      problem.value = messageOf(error);
      secret.value = '';
      secret.focus();
    } finally {
      busy.value = false;
    }
  };

  return (
    <main class="entry">
      <section class="panel">
        <Mark />
        <h1>{text.signIn.title}</h1>
        <p class="mute">{text.signIn.lead}</p>
        {hasEnded.value && <Message tone="warn">{text.signIn.ended}</Message>}
        {isPlain && <Message tone="warn">{text.signIn.plain}</Message>}
        <form onSubmit={submit}>
          <label>
            {text.signIn.name}
            <input name="name" autocomplete="username" autocapitalize="none" spellcheck={false} required />
          </label>
          <label>
            {text.signIn.secret}
            <input name="secret" type="password" autocomplete="current-password" required />
          </label>
          {problem.value !== undefined && <Message tone="bad">{problem.value}</Message>}
          <button class="go wide" type="submit" aria-disabled={busy.value}>
            {busy.value ? text.signIn.busy : text.signIn.submit}
          </button>
        </form>
      </section>
    </main>
  );
}
