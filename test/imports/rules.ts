import type { Room } from './rooms.ts';

const ENTRY = /^src\/(?:store\/)?[^/]+\/index\.ts$/;
const FROM_OUTSIDE = /^(test\/support|demo)\//;
/** The one HTTP digest client. It decides nothing that these tests compare, and unmodified clients of others test the server as well. */
const CLIENT = 'src/digest/index.ts';

/** Returns the rule that an import of one file by another breaks. */
export class Rules {
  readonly #rooms: ReadonlyMap<string, Room>;

  constructor(rooms: readonly Room[]) {
    this.#rooms = new Map(rooms.map((room) => [room.path, room]));
  }

  /**
   * @param from path of the importing file from the repository's root
   * @param to   path of the imported file
   * @returns undefined when the import is allowed
   */
  problemOf(from: string, to: string, typeOnly: boolean): string | undefined {
    const [user, used] = [folderOf(from, 2), folderOf(to, 2)];
    if (used === undefined) {
      return user === undefined || !/^(test|demo|bench)\//.test(to)
        ? undefined
        : 'the product must not import test code';
    }
    if (FROM_OUTSIDE.test(from) && to !== CLIENT)
      return 'test support, which includes the comparer, must not import the product, apart from the HTTP digest client';
    if (user === undefined) return undefined;
    return user === used ? this.#within(from, to) : this.#across(user, used, to, typeOnly);
  }

  /** Judges an import between folders of `src/`. */
  #across(user: string, used: string, to: string, typeOnly: boolean): string | undefined {
    const [room, other] = [this.#rooms.get(user), this.#rooms.get(used)];
    if (!room || !other) return `${room ? used : user} has no row in the table of rooms`;
    const name = used.replace('src/', '');
    if (room.usesTypesOf.includes(name) && !typeOnly) return `${user} may use only types of ${used}`;
    const permitted = room.uses?.includes(name) ?? true;
    if (!permitted || other.rank >= room.rank) return `${user} may not use ${used}`;
    return ENTRY.test(to) ? undefined : 'a folder of src is entered through its index.ts';
  }

  /** Judges an import between rooms of one folder of `src/`. */
  #within(from: string, to: string): string | undefined {
    const [user, used] = [folderOf(from, 3), folderOf(to, 3)];
    if (user === used || user === undefined) return undefined;
    if (from.startsWith('src/store/')) return 'a store adapter must not import another one';
    const room = this.#rooms.get(user);
    if (room === undefined) return undefined;
    if (used === undefined) return `${user} may not use files above the rooms`;
    const other = this.#rooms.get(used);
    if (other === undefined) return `${used} has no row in the table of rooms`;
    return other.rank < room.rank ? undefined : `${user} may not use ${used}`;
  }
}

/** Returns the first `count` names of a path in `src`; undefined for a file above that level. */
function folderOf(path: string, length: number): string | undefined {
  const names = path.split('/');
  return names[0] === 'src' && names.length > length ? names.slice(0, length).join('/') : undefined;
}
