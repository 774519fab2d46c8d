//! What the owner of a node says of how others reach it: settings, and what may stand in them.

/** The settings that decide it. */
export const SETTINGS = {
  name: 'node.name',
  relay: 'mesh.relay',
  upnp: 'mesh.upnp',
  lan: 'mesh.lan',
  external: 'mesh.external',
} as const;

/** What can be switched, and how it stands unless somebody said otherwise. */
export const SWITCHES = [
  { id: 'relay', isOnUnlessSaid: false },
  { id: 'upnp', isOnUnlessSaid: false },
  { id: 'lan', isOnUnlessSaid: true },
] as const;

export type OwnSwitch = (typeof SWITCHES)[number];

type Settings = Readonly<Record<string, unknown>>;

/** Whether it is on. */
export function isOn(settings: Settings, { id, isOnUnlessSaid }: OwnSwitch): boolean {
  const value = settings[SETTINGS[id]];
  return typeof value === 'boolean' ? value : isOnUnlessSaid;
}

/** The change that flips it; what is so unless said otherwise is not said. */
export function flipped(settings: Settings, it: OwnSwitch): Settings {
  const next = !isOn(settings, it);
  return { [SETTINGS[it.id]]: next === it.isOnUnlessSaid ? null : next };
}

/** The name that was said: it stands before others see it. */
export function ownName(settings: Settings): string | undefined {
  const value = settings[SETTINGS.name];
  return typeof value === 'string' ? value : undefined;
}

/** The addresses that were said. */
export function ownAddresses(settings: Settings): readonly string[] {
  const value = settings[SETTINGS.external];
  return Array.isArray(value) ? value.filter((it): it is string => typeof it === 'string') : [];
}

const NAME_BYTES_MAX = 64;
/** What cannot be seen, or changes the direction of what follows. */
const HIDDEN = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

/** Whether a node can go by that name: others refuse one that they could not show. */
export const isNodeName = (text: string): boolean =>
  text !== '' && new TextEncoder().encode(text).length <= NAME_BYTES_MAX && text.trim() === text && !HIDDEN.test(text);

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
const isIp4 = (text: string): boolean =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && text.split('.').every((it) => Number(it) <= 255);
const isHost = (text: string): boolean =>
  text.length <= 253 && /^([a-z\d]([a-z\d-]*[a-z\d])?\.)+[a-z]([a-z\d-]*[a-z\d])?$/i.test(text);

function isIp6(text: string): boolean {
  if (!/^[\da-f:.]+$/i.test(text)) return false;
  try {
    return new URL(`http://[${text}]`).hostname !== '';
  } catch {
    return false;
  }
}

const MULTIADDRESS = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/(?:tcp\/(\d+)|udp\/(\d+)\/quic-v1)$/;

function isMultiaddress(text: string): boolean {
  const [, kind, host = '', tcp, udp] = MULTIADDRESS.exec(text) ?? [];
  if (kind === undefined || !isPort(tcp ?? udp ?? '')) return false;
  return kind === 'ip4' ? isIp4(host) : kind === 'ip6' ? isIp6(host) : isHost(host);
}

/** What is to be said for an address as people write it: a name takes two, one for each way of being called. None when others could not go there. */
export function addressesOf(text: string): readonly string[] {
  const word = text.trim();
  if (isMultiaddress(word)) return [word];
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(word) ?? [];
  if (!isPort(port)) return [];
  if (isIp4(host) || (host.startsWith('[') && host.endsWith(']') && isIp6(host.slice(1, -1)))) return [word];
  return isHost(host) ? [`/dns4/${host}/tcp/${port}`, `/dns4/${host}/udp/${port}/quic-v1`] : [];
}

/** How long the part that talks to other nodes may take to notice that it is to start again. */
const NOTICED_MS = 1_500;

/** Whether a change is yet to count: until the part that talks to other nodes has answered anew. */
export const isYetToCount = (
  changedAt: number | undefined,
  looked: { readonly error: unknown; readonly dataUpdatedAt: number },
): boolean => changedAt !== undefined && (Boolean(looked.error) || looked.dataUpdatedAt < changedAt + NOTICED_MS);
