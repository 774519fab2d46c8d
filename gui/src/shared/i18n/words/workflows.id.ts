//! Words of one area; en.ts and id.ts put the areas together.
export const workflows = {};
