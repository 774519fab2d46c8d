//! The panel of the selected step: its form, its data, its docs.
import { useDesigner } from '../context';

export function StepPanel({ step }: { readonly step: string }) {
  useDesigner();
  return <section aria-label={step} />;
}
