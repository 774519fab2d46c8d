//! What fields and choices are called on the screen: what a schema says, else the catalogue's name for the key, else the key.
import { type Language, useLanguage } from '../i18n/messages';
import { choices as choicesEn, fields as fieldsEn } from '../i18n/words/fields.en';
import { choices as choicesId, fields as fieldsId } from '../i18n/words/fields.id';
import { type Choice, type Field, humanise } from './schema';

type Names = Readonly<Record<string, string>>;
const FIELDS: Readonly<Record<Language, Names>> = { en: fieldsEn, id: fieldsId };
const CHOICES: Readonly<Record<Language, Names>> = { en: choicesEn, id: choicesId };

const own = (names: Names, key: string): string | undefined => (Object.hasOwn(names, key) ? names[key] : undefined);

/** The name of a field. In English the component's own title goes first; in other languages a translation of its key. */
export function fieldName(field: Field, language: Language): string {
  const known = own(FIELDS[language], field.hint.name ?? field.key);
  return (language === 'en' ? field.schema.title : undefined) ?? known ?? field.title;
}

/** The name of a choice. */
export function choiceName({ title, label }: Choice, language: Language): string {
  return title ?? own(CHOICES[language], label) ?? (/[A-Z]/.test(label) ? label : humanise(label));
}

/** Both, in the language of the screen. */
export function useNames() {
  const language = useLanguage();
  return {
    fieldName: (field: Field) => fieldName(field, language),
    choiceName: (choice: Choice) => choiceName(choice, language),
  };
}
