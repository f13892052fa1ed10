import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { hrefOf } from '../router.ts';
import { text } from '../text.ts';

/** A page that has nothing to show. @param title  what is missing @param children  the reason */
export function NotFoundPage({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · ${text.product}`;
  }, [title]);
  return (
    <>
      <div class="head">
        <h1>{title}</h1>
      </div>
      {children}
      <p class="next">
        <a href={hrefOf('home')}>{text.toMigrations}</a>
      </p>
    </>
  );
}
