//! Which of our components does what a kind of n8n's nodes does, and with which settings.
import { isMap } from '../values';
import { json, script, text, value } from './n8n-expressions';

type Parameters = Readonly<Record<string, unknown>>;
type Config = Record<string, unknown>;
/** A component with its settings and ports, the ports in the order of n8n's inputs and outputs. */
export type Mapped = {
  readonly kind?: 'trigger';
  readonly component: string;
  readonly config: Config;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
};
type Kind = (parameters: Parameters, name: string, version: number) => Mapped | undefined;

const LANGUAGES: Readonly<Record<string, string>> = { python: 'python', pythonNative: 'python' };
const SECONDS: Readonly<Record<string, string>> = { seconds: 's', minutes: 'm', hours: 'h', days: 'd' };

const at = (of: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, name) => (isMap(inner) ? inner[name] : undefined), of);
const list = (of: unknown): Parameters[] => (Array.isArray(of) ? of.filter(isMap) : []);

const slug = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64) || 'unnamed';

/** `[{ name, value }]` as an object. */
const pairs = (of: unknown): Config => Object.fromEntries(list(of).map((pair) => [text(pair.name), value(pair.value)]));

function withoutEmpty(config: Config): Config {
  const isEmpty = (it: unknown): boolean =>
    it === undefined || it === '' || (isMap(it) && Object.keys(it).length === 0);
  return Object.fromEntries(Object.entries(config).filter(([, it]) => !isEmpty(it)));
}

const OPS: Readonly<Record<string, string>> = {
  equals: 'equals',
  equal: 'equals',
  notEquals: 'not-equals',
  notEqual: 'not-equals',
  gt: 'greater',
  larger: 'greater',
  after: 'greater',
  gte: 'greater-or-equal',
  largerEqual: 'greater-or-equal',
  lt: 'less',
  smaller: 'less',
  before: 'less',
  lte: 'less-or-equal',
  smallerEqual: 'less-or-equal',
  contains: 'contains',
  notContains: 'not-contains',
  startsWith: 'starts-with',
  endsWith: 'ends-with',
  regex: 'matches',
  exists: 'exists',
  notExists: 'missing',
  empty: 'empty',
  isEmpty: 'empty',
  notEmpty: 'not-empty',
  isNotEmpty: 'not-empty',
  true: 'is-true',
  false: 'is-false',
};

/** Conditions of both of n8n's forms; undefined when one of them compares in a way that we do not know. */
function rules(of: unknown, combination: unknown): Config | undefined {
  const made: Config[] = [];
  const conditions = list(at(of, 'conditions'));
  const older = isMap(of) && conditions.length === 0 ? Object.values(of).flatMap(list) : [];
  for (const condition of conditions) {
    const op = OPS[text(at(condition, 'operator', 'operation'))];
    if (!op) return undefined;
    made.push(withoutEmpty({ left: value(condition.leftValue), op, right: value(condition.rightValue) }));
  }
  for (const condition of older) {
    const op = OPS[text(condition.operation ?? 'equal')];
    if (!op) return undefined;
    made.push(withoutEmpty({ left: value(condition.value1), op, right: value(condition.value2) }));
  }
  if (made.length === 0) return undefined;
  const isAny = at(of, 'combinator') === 'or' || combination === 'any';
  return isAny ? { rules: made, combine: 'any' } : { rules: made };
}

const step = (component: string, config: Config, ports: Partial<Mapped> = {}): Mapped => ({
  component,
  config: withoutEmpty(config),
  ...ports,
});

const ifKind =
  (component: string, outputs: readonly string[]): Kind =>
  (of) => {
    const config = rules(of.conditions, of.combineOperation);
    return config && { component, config, outputs };
  };

function httpRequest(of: Parameters): Mapped {
  const isForm = of.contentType === 'form-urlencoded';
  const fields = pairs(at(of, 'bodyParameters', 'parameters'));
  let body: Config | undefined;
  if (of.sendBody === true || of.jsonBody !== undefined) {
    if (of.contentType === 'raw') body = { text: text(of.body) };
    else if (of.specifyBody === 'json') body = { json: json(of.jsonBody) };
    else body = isForm ? { form: fields } : { json: fields };
  }
  return step('http-request', {
    method: text(of.method ?? of.requestMethod ?? 'GET'),
    url: text(of.url),
    query: of.specifyQuery === 'json' ? json(of.jsonQuery) : pairs(at(of, 'queryParameters', 'parameters')),
    headers: of.specifyHeaders === 'json' ? json(of.jsonHeaders) : pairs(at(of, 'headerParameters', 'parameters')),
    body,
    timeout_ms: typeof at(of, 'options', 'timeout') === 'number' ? at(of, 'options', 'timeout') : undefined,
  });
}

function setFields(of: Parameters): Mapped {
  const older = isMap(of.values) ? Object.values(of.values).flatMap(list) : [];
  const fields = of.mode === 'raw' ? json(of.jsonOutput) : pairs(at(of, 'assignments', 'assignments'));
  const isAll = of.includeOtherFields === true || (older.length > 0 && of.keepOnlySet !== true);
  const all = { ...(isMap(fields) ? fields : {}), ...pairs(older), ...pairs(at(of, 'fields', 'values')) };
  return step('set', { fields: all, mode: isAll ? undefined : 'replace' });
}

function switchCases(of: Parameters): Mapped | undefined {
  const given = list(at(of, 'rules', 'values') ?? at(of, 'rules', 'rules'));
  const cases = given.map((rule, index) => {
    const port = slug(text(rule.outputKey) || `case-${index + 1}`);
    const older = { conditions: { any: [{ value1: of.value1, operation: rule.operation, value2: rule.value2 }] } };
    const config = isMap(rule.conditions) ? rules(rule.conditions, undefined) : rules(older.conditions, undefined);
    return config && { port, ...config };
  });
  if (cases.length === 0 || cases.some((it) => !it)) return undefined;
  const ports = cases.map((it) => it?.port ?? '');
  return step('switch', { cases }, { outputs: [...ports, 'fallback'] });
}

function merge(of: Parameters, _name: string, version: number): Mapped | undefined {
  const inputs = ['a', 'b'];
  const combineBy = text(of.combineBy ?? of.combinationMode);
  if (of.mode === undefined || of.mode === 'append') return step('merge', {}, { inputs });
  if (of.mode === 'mergeByPosition' || combineBy.endsWith('ByPosition') || combineBy === 'mergeByPosition')
    return step('merge', { mode: 'by-position' }, { inputs });
  if (of.mode === 'multiplex' || combineBy === 'combineAll' || combineBy === 'multiplex')
    return step('merge', { mode: 'combinations' }, { inputs });
  const field = list(at(of, 'mergeByFields', 'values') ?? at(of, 'fieldsToMatch', 'values'))[0];
  const key = text(field?.field1 ?? of.propertyName1 ?? (version >= 3 ? of.fieldsToMatchString : undefined));
  const keyB = text(field?.field2 ?? of.propertyName2);
  if (!key) return undefined;
  return step('merge', { mode: 'by-key', key, key_b: keyB === key ? undefined : keyB }, { inputs });
}

function aggregate(of: Parameters): Mapped {
  if (of.aggregate === 'aggregateAllItemData')
    return step('aggregate', { compute: [{ op: 'list', as: text(of.destinationFieldName) || 'data' }] });
  const fields = list(at(of, 'fieldsToAggregate', 'fieldToAggregate'));
  const compute = fields.map((field) => {
    const name = text(field.fieldToAggregate);
    return { op: 'list', of: name, as: field.renameField === true ? text(field.outputFieldName) || name : name };
  });
  return step('aggregate', { compute: compute.length > 0 ? compute : [{ op: 'list', as: 'data' }] });
}

function wait(of: Parameters): Mapped | undefined {
  if (of.resume === 'specificTime') return step('wait', { until: value(of.dateTime) });
  if (of.resume !== undefined && of.resume !== 'timeInterval') return undefined;
  const unit = SECONDS[text(of.unit) || 'seconds'];
  return unit ? step('wait', { for: `${text(of.amount ?? 5)}${unit}` }) : undefined;
}

function code(of: Parameters): Mapped {
  const mode = of.mode === 'runOnceForEachItem' ? 'each' : 'all';
  const language = LANGUAGES[text(of.language)];
  if (language) return step(language, { code: text(of.pythonCode), mode: mode === 'all' ? undefined : mode });
  return step('code', { code: script(String(of.jsCode ?? ''), mode), mode: mode === 'all' ? undefined : mode });
}

const RESPOND: Readonly<Record<string, string>> = { lastNode: 'when-done', responseNode: 'with-step' };

function webhook(of: Parameters, name: string): Mapped {
  const path = text(of.path)
    .toLowerCase()
    .replace(/[^a-z0-9_/-]+/g, '-')
    .replace(/^\/+|\/+$/g, '');
  const respond = RESPOND[text(of.responseMode)];
  const config = { path: path || slug(name), method: text(of.httpMethod) || 'GET', respond };
  return step('webhook', config, { kind: 'trigger' });
}

const readFile: Kind = (of) =>
  step('read-file', { path: text(of.fileSelector ?? of.filePath), as: 'file', name: text(of.dataPropertyName) });
const writeFile: Kind = (of) =>
  step('write-file', { path: text(of.fileName), what: 'file', name: text(of.dataPropertyName) });

/** By the last part of n8n's type. Undefined, or nothing back: there is no equivalent. */
export const KINDS: Readonly<Record<string, Kind>> = {
  manualTrigger: () => step('manual', {}, { kind: 'trigger' }),
  start: () => step('manual', {}, { kind: 'trigger' }),
  webhook,
  httpRequest,
  if: ifKind('if', ['true', 'false']),
  filter: ifKind('filter', ['out', 'rest']),
  switch: switchCases,
  set: setFields,
  code,
  function: (of) => step('code', { code: script(String(of.functionCode ?? ''), 'all') }),
  functionItem: (of) => step('code', { code: script(String(of.functionCode ?? ''), 'each'), mode: 'each' }),
  merge,
  wait,
  noOp: () => step('no-op', {}),
  splitInBatches: (of, _name, version) =>
    step('loop', { batch: of.batchSize ?? 1 }, { outputs: version >= 3 ? ['done', 'loop'] : ['loop', 'done'] }),
  splitOut: (of) =>
    step('split-out', {
      of: text(of.fieldToSplitOut),
      keep: of.include === 'noOtherFields' || !of.include ? undefined : 'others',
    }),
  aggregate,
  sort: (of) =>
    step('sort', {
      keys: list(at(of, 'sortFieldsUi', 'sortField')).map((key) =>
        withoutEmpty({ by: text(key.fieldName), direction: key.order === 'descending' ? 'down' : undefined }),
      ),
    }),
  limit: (of) => step('limit', { count: of.maxItems ?? 1, from: of.keep === 'lastItems' ? 'end' : undefined }),
  executeWorkflow: (of) => {
    const name = text(at(of, 'workflowId', 'cachedResultName') ?? at(of, 'workflowId', 'value') ?? of.workflowId);
    return name ? step('sub-preset', { preset: slug(name) }) : undefined;
  },
  respondToWebhook: (of) =>
    step('respond', {
      status: at(of, 'options', 'responseCode'),
      body: of.responseBody === undefined ? undefined : json(of.responseBody),
    }),
  stopAndError: (of) => step('stop-with-error', { message: text(of.errorMessage) || 'stopped' }),
  readBinaryFile: readFile,
  writeBinaryFile: writeFile,
  readWriteFile: (of, name, version) => (of.operation === 'write' ? writeFile : readFile)(of, name, version),
  executeCommand: (of) => step('bash', { code: text(of.command), stdout: 'output' }),
};
