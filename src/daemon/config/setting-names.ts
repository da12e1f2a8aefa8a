import { z } from 'zod';

/** The names that the settings at a path below `schema` can have; none where nothing is known of it. */
export function settingNames(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  return path.reduce<unknown[]>((found, step) => found.flatMap((one) => below(one, step)), [schema]).flatMap(namesIn);
}

function namesIn(schema: unknown): string[] {
  return bare(schema).flatMap((one) => {
    if (one instanceof z.ZodObject) return Object.keys(one.shape);
    return one instanceof z.ZodRecord && one.keyType instanceof z.ZodEnum ? one.keyType.options.map(String) : [];
  });
}

function below(schema: unknown, step: PropertyKey): unknown[] {
  return bare(schema).flatMap((one): unknown[] => {
    if (one instanceof z.ZodArray) return [one.element];
    if (one instanceof z.ZodRecord) return [one.valueType];
    if (!(one instanceof z.ZodObject)) return [];
    const { shape, catchall } = one.def;
    const name = String(step);
    return [Object.hasOwn(shape, name) ? shape[name] : catchall];
  });
}

/** The schema without its defaults; of several shapes, each. */
function bare(schema: unknown): unknown[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return bare(schema.unwrap());
  }
  return schema instanceof z.ZodUnion ? schema.options.flatMap(bare) : [schema];
}
