import { useId } from 'react';

type SegmentsProps<Id extends string> = {
  readonly label: string;
  readonly options: readonly { readonly id: Id; readonly label: string }[];
  readonly value: Id;
  readonly onChange: (id: Id) => void;
};

/** One of a few, side by side. */
export function Segments<Id extends string>({ label, options, value, onChange }: SegmentsProps<Id>) {
  const name = useId();
  return (
    <fieldset>
      <legend className="pb-1 font-semibold">{label}</legend>
      <div className="flex w-fit max-w-full rounded-control border border-control">
        {options.map((it) => (
          <label
            key={it.id}
            className="flex min-h-8 cursor-pointer items-center rounded-control px-3 has-checked:bg-raised has-checked:font-semibold has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent pointer-coarse:min-h-11"
          >
            <input
              type="radio"
              name={name}
              className="sr-only"
              checked={value === it.id}
              onChange={() => onChange(it.id)}
            />
            {it.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
