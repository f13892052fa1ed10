import { mayAct } from './api/session.ts';
import { hrefOf, PAGES, type PageName, route } from './router.ts';
import { text } from './text.ts';

/** Whether the roles of the session let it read a page. The server decides; this only hides pages that it would refuse. */
export function mayRead(page: PageName): boolean {
  return page !== 'new' || mayAct();
}

/** Links to the pages that the session may read, with the current one marked. A migration belongs to the first page, which lists it. */
export function Navigation() {
  const { page: current } = route.value;
  return (
    <nav aria-label={text.navigation}>
      {PAGES.filter(mayRead).map((page) => (
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
