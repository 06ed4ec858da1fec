/**
 * The scripts' texts in the page's language.
 *
 * A page that is not in English loads Django's catalogue before this (instarecon_site/texts.py),
 * which leaves `gettext` and `ngettext` behind. docs/develop/languages.md says how to add a text.
 */

/** `text` in the page's language; each {name} in it becomes what `facts` say. */
export const gettext = (text, facts) => fill(globalThis.gettext?.(text) ?? text, facts);

/** The same for a number of things; the text for many says {count}. */
export function ngettext(one, many, count, facts) {
  const text = globalThis.ngettext?.(one, many, count) ?? (count === 1 ? one : many);
  return fill(text, { count, ...facts });
}

const fill = (text, facts = {}) =>
  text.replace(/\{(\w+)\}/g, (place, name) => String(facts[name] ?? place));
