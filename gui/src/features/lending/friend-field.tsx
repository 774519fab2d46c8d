import type { Peer } from '@/shared/api/types';
import { Field, Select } from '@/shared/ui/field';

type Props = {
  readonly label: string;
  readonly peers: readonly Peer[];
  /** A node id. */
  readonly value: string;
  readonly onChange: (node: string) => void;
};

/** One of the friends. */
export function FriendField({ label, peers, value, onChange }: Props) {
  return (
    <Field label={label}>
      {(ids) => (
        <Select {...ids} value={value} onChange={(event) => onChange(event.target.value)}>
          {peers.map((it) => (
            <option key={it.node} value={it.node}>
              {it.name}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
