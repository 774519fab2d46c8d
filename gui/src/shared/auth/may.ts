//! What the role of whoever is signed in allows, so that nothing is offered that the node would refuse.
import { createContext, useContext } from 'react';
import type { Role } from '../api/types';
import { useMessages } from '../i18n/messages';

/** From the second on, each may do what the ones before it may. */
const ORDER: readonly Role[] = ['hook', 'viewer', 'runner', 'editor', 'admin'];

/** Whether `own` is enough for what `needed` may do. An unknown role is let through: the node has the last word. */
export const isEnough = (own: Role | undefined, needed: Role): boolean =>
  own === undefined || ORDER.indexOf(own) >= ORDER.indexOf(needed);

/** The role of whoever is signed in, as the node says it; undefined until it has. */
export const RoleContext = createContext<Role | undefined>(undefined);

/** Why something that needs a role is not for them; undefined when it is. */
export function useRefused(needed: Role | undefined): string | undefined {
  const own = useContext(RoleContext);
  const t = useMessages();
  if (needed === undefined || own === undefined || isEnough(own, needed)) return undefined;
  return t('role.too_low', { own: t(`role.${own}`), needed: t(`role.${needed}`) });
}
