/** A processor, by the name that packages and images have for it. */
export type Architecture = keyof typeof ARCHITECTURES;

/** The processors that there are packages for, with Node.js's names for them. */
export const ARCHITECTURES = { amd64: 'x64', arm64: 'arm64' } as const;

/** @throws Error when there is no package for it */
export function readArchitecture(name: string): Architecture {
  if (Object.hasOwn(ARCHITECTURES, name)) return name as Architecture;
  throw new Error(`there is no package for ${name}, only for ${Object.keys(ARCHITECTURES).join(' and ')}`);
}

/** Returns this machine's processor. @throws Error when there is no package for it */
export function ownArchitecture(): Architecture {
  const own = Object.entries(ARCHITECTURES).find(([, node]) => node === process.arch);
  return readArchitecture(own?.[0] ?? process.arch);
}
