//! Pages elsewhere that may ask this node: their origins.

/** The name of the setting that holds them. */
export const ORIGINS_SETTING = 'gui.origins';

/** The origin of what somebody typed, or nothing when no page can stand there: HTTPS, or HTTP on this machine. */
export function originOf(text: string): string | undefined {
  const word = text.trim();
  try {
    const url = new URL(/^[a-z]+:\/\//i.test(word) ? word : `https://${word}`);
    const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal)) return undefined;
    return url.hostname.includes('.') || isLocal ? url.origin : undefined;
  } catch {
    return undefined;
  }
}

/** The origins of a settings answer. */
export function originsIn(settings: Readonly<Record<string, unknown>>): readonly string[] {
  const value = settings[ORIGINS_SETTING];
  return Array.isArray(value) ? value.filter((it): it is string => typeof it === 'string') : [];
}
