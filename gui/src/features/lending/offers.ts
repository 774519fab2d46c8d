//! What an engine offers, in words.
import type { Offer } from '@/shared/api/types';
import type { Translate } from '@/shared/i18n/messages';
import { componentOf } from '@/shared/mesh/sentence';

/** What it is called: the workflow, the component, or the model. */
export function offerName(t: Translate, capability: string, offer: Offer): string {
  if (offer.kind === 'chat') return t('lending.model_named', { model: offer.model });
  const component = componentOf(capability);
  return component === undefined ? offer.name : t('lending.component_named', { component });
}

/** As one of several things that somebody may be let do: the workflow, the component, or that the model is asked. */
export const offerUse = (t: Translate, capability: string, offer: Offer): string =>
  offer.kind === 'chat' ? t('let.ask', { model: offer.model }) : offerName(t, capability, offer);

/** Among the offers of all engines: with the engine, where its name does not say the same. */
export const offerLabel = (t: Translate, engine: string, capability: string, offer: Offer): string => {
  const name = offerName(t, capability, offer);
  return engine === name || engine === componentOf(capability) ? name : `${name} · ${engine}`;
};

/** An address as people read it: `http://127.0.0.1:11434` is `127.0.0.1:11434`. */
export const plainAddress = (url: string): string => url.replace(/^http:\/\//, '').replace(/\/$/, '');

/** An address as the node reads it, whether or not somebody wrote how it is spoken to. */
export const fullAddress = (typed: string): string => {
  const address = typed.trim();
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`;
};

/** What a model server is, as far as it says: `Ollama`, or only that it is one. */
export const softwareName = (t: Translate, software: string | undefined): string =>
  software === undefined || software === 'model server' ? t('lending.some_server') : software;

/** What a server is and where: *Ollama at 127.0.0.1:11434*. */
export const serverWords = (t: Translate, url: string, software: string | undefined): string =>
  t('lending.server_at', { software: softwareName(t, software), address: plainAddress(url) });
