import type { Role } from '@/shared/api/types';

/** What people may be let in as, the least first. */
export const ROLES: readonly Role[] = ['viewer', 'runner', 'editor', 'admin'];
