/** The type of what the palette drags onto a canvas: a component's name. */
export const COMPONENT_TYPE = 'application/x-flowork-component';
