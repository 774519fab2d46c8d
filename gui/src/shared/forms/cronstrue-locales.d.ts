/** Adds Indonesian to cronstrue by being loaded; the package has no types for its languages. */
declare module 'cronstrue/locales/id';
