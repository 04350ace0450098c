/* Looking up by a name that somebody else chose: `__proto__` and `constructor` are in every object, and nobody put them there. */

/** What the record itself has under this name. */
export function own<V>(record: Readonly<Record<string, V>>, name: string): V | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
