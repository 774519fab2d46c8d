//! What can be done with a field of shown data, where there is something: in the designer it is dragged into forms.
import { createContext, type DragEvent, type ReactNode, useContext } from 'react';
import type { DataPath } from '../code/paths';

export type FieldActions = {
  readonly onDrag: (event: DragEvent, path: DataPath) => void;
  /** A menu for those who do not drag; `children` is what opens it. */
  readonly menu: (path: DataPath, children: ReactNode) => ReactNode;
};

export const FieldActionsContext = createContext<FieldActions | undefined>(undefined);
export const useFieldActions = (): FieldActions | undefined => useContext(FieldActionsContext);
