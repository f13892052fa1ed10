import { hrefOf, PAGES, route } from './router.ts';
import { text } from './text.ts';

/** Links to the pages, with the current one marked. A migration belongs to the first page, which lists it. */
export function Navigation() {
  const { page: current } = route.value;
  return (
    <nav aria-label={text.navigation}>
      {PAGES.map((page) => (
        <a
          key={page}
          href={hrefOf(page)}
          aria-current={page === current ? 'page' : page === 'home' && current === 'migration' ? 'true' : undefined}
        >
          {text.pages[page]}
        </a>
      ))}
    </nav>
  );
}
