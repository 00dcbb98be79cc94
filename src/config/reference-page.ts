import { z } from 'zod';
import { bare, elementOf, entriesOf, fieldsOfTemplates, fileKeys, notesOf } from './keys.js';
import type { KeyNotes } from './keys.js';

/** The two documents that are generated from the descriptions of the keys. */

/** JSON schema for editors. */
export function schemaText(): string {
  const schema = z.toJSONSchema(fileKeys, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      for (const note of ['since', 'env', 'isSecret', 'defaultText']) Reflect.deleteProperty(jsonSchema, note);
      // A plain number where text is wanted is taken as it is written.
      if (jsonSchema.type === 'string' && jsonSchema.enum === undefined) {
        Reflect.set(jsonSchema, 'type', ['string', 'number', 'boolean']);
      }
    },
  });
  return `${JSON.stringify({ title: 'nodepool.yaml', ...schema }, null, 2)}\n`;
}

const generations: Readonly<Record<KeyNotes['since'], string>> = {
  '2014': '2014',
  '0.3': '0.3',
  later: 'later',
  here: 'new',
};

/** docs/configuration.md. */
export function pageText(): string {
  const end = '<!-- prettier-ignore-end -->';
  return [intro, ...tablesOf(fileKeys, ''), templates, secrets, credentials, checks, end].join('\n\n').concat('\n');
}

const intro = `# Configuration

<!-- Generated from src/config/keys.ts by \`npm run gen\`: edit the descriptions there. -->
<!-- prettier-ignore-start -->

One YAML file, by default \`/etc/nodepool/nodepool.yaml\`; a file of the original Nodepool loads unchanged. Durations are
seconds, decimals allowed. \`nodepool config-validate\` checks a file without touching anything, and
\`config/schema.json\` gives editors completion; begin the file with

\`\`\`yaml
# yaml-language-server: $schema=/path/to/config/schema.json
\`\`\`

*Since* says which generation brought a key: the original of 2014, its release 0.3, its successors (*later*), or this
program (*new*). Keys that are not on this page are errors. YAML is read as the original read it: \`yes\`, \`no\`, \`on\` and
\`off\` are booleans, \`<<\` merges. Where text is wanted, a plain scalar is taken as it is written (\`release: 21\`); a key
without a value counts as absent.`;

function tablesOf(object: z.ZodObject, path: string): string[] {
  const keys = entriesOf(object);
  const heading = path === '' ? '## Top level' : `## \`${path}\``;
  const rows = keys.map(([key, type]) => rowOf(key, type));
  const head = '| Key | Type | Default | Since | Meaning |\n| --- | --- | --- | --- | --- |';
  const inner = keys.flatMap(([key, type]) => {
    const below = path === '' ? key : `${path}.${key}`;
    const found = bare(type);
    if (found instanceof z.ZodObject) return tablesOf(found, below);
    const element = elementOf(found);
    return element instanceof z.ZodObject ? tablesOf(element, `${below}[]`) : [];
  });
  return [`${heading}\n\n${head}\n${rows.join('\n')}`, ...inner];
}

function rowOf(key: string, type: z.ZodType): string {
  const notes = notesOf(type);
  if (notes === null) throw new Error(`the key ${key} has no description`);
  const variable = notes.env === undefined ? '' : ` Environment: \`${notes.env}\`.`;
  const cells = [
    `\`${key}\``,
    typeText(bare(type)),
    defaultText(type, notes),
    generations[notes.since],
    `${notes.description}${variable}`,
  ];
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function typeText(type: z.ZodType): string {
  if (type instanceof z.ZodString) return 'text';
  if (type instanceof z.ZodBoolean) return 'boolean';
  if (type instanceof z.ZodEnum) return type.options.map(option => `\`${option}\``).join(', ');
  if (type instanceof z.ZodRecord) return 'map of texts';
  if (type instanceof z.ZodObject) return 'map';
  if (type instanceof z.ZodArray) return elementOf(type) instanceof z.ZodObject ? 'list of maps' : 'list of texts';
  if (type instanceof z.ZodNumber) return `${type.format === 'safeint' ? 'integer' : 'number'}${rangeText(type)}`;
  throw new Error(`no word for ${type.type}`);
}

/** Upper bounds beyond these are only there to catch slips. */
const TELLING_MAX = 65_535;
function rangeText({ minValue, maxValue }: z.ZodNumber): string {
  const isBounded = maxValue !== null && maxValue <= TELLING_MAX;
  const hasFloor = minValue !== null && minValue > -1_000_000;
  if (isBounded) return `, ${minValue ?? ''} to ${maxValue}`;
  return hasFloor ? `, ≥ ${minValue}` : '';
}

function defaultText(type: z.ZodType, notes: KeyNotes): string {
  if (notes.defaultText !== undefined) return notes.defaultText;
  const result = type.safeParse(undefined);
  if (!result.success) return '**required**';
  const value: unknown = result.data;
  if (typeof value === 'string') return value === '' ? 'empty' : `\`${value}\``;
  return typeof value === 'number' || typeof value === 'boolean' ? `\`${value}\`` : '–';
}

const fieldList = (fields: readonly string[]): string => fields.map(field => `\`{${field}}\``).join(' ');

const templates = `## Templates

Host names are templates in Python's \`str.format\` syntax, with dashes of keys as underscores. A width may follow a colon:
\`{node_id:010d}\`. A node's name in Jenkins is its host name up to the first dot.

${Object.entries(fieldsOfTemplates)
  .map(([key, fields]) => `- \`${key}\`: ${fieldList(fields)}`)
  .join('\n')}`;

const secrets = `## Secrets

Each secret may be in the file itself, or so that the file can be published:

1. in the environment: \`NODEPOOLD_DBURI\`; \`NODEPOOLD_PROVIDER_NAME_PASSWORD\` and \`NODEPOOLD_TARGET_NAME_APIKEY\` with the
   name of the provider or target in upper case and an underscore for every other character than letters and digits
   (\`rax-dfw\`: \`NODEPOOLD_PROVIDER_RAX_DFW_PASSWORD\`);
2. in a file of its own, named by \`dburi-file\`, \`password-file\` or \`apikey-file\` (also spelled \`dburi_file\`,
   \`password_file\`, \`apikey_file\`), relative to the directory of nodepool.yaml;
3. in \`secure.conf\` of 0.3, by default \`/etc/nodepool/secure.conf\`:

\`\`\`ini
[database]
dburi = mysql://nodepool:PASSWORD@localhost/nodepool

[jenkins "jenkins01"]
url = https://jenkins01.example.org/
user = nodepool
apikey = TOKEN
credentials = CREDENTIALS-ID
\`\`\`

The first of these that has it counts, then the file itself. Variables that begin with \`NODEPOOL_\` go to the machines, so
that none of ours does.`;

const credentials = `## Credentials of a cloud

A provider has them in one of three forms:

1. The keys of 2014: \`auth-url\`, \`username\`, \`password\` (or \`password-file\`), and \`project-id\` or \`project-name\`.
   An \`auth-url\` that ends in \`/v2.0\` or \`/v3\` says which generation of Keystone is spoken; any other is asked.
2. \`cloud: NAME\`: a cloud of \`clouds.yaml\`, its secret part in \`secure.yaml\`. The file that \`OS_CLIENT_CONFIG_FILE\`
   (\`OS_CLIENT_SECURE_FILE\`) names, else the first of the working directory, \`~/.config/openstack\` and
   \`/etc/openstack\` that has it. Keys that the provider has as well go before it.
3. The variables \`OS_…\` of the daemon's environment, for a provider with \`cloud: envvars\`, or with none of these keys;
   \`OS_CLOUD\` names a cloud of the file instead.

Of \`clouds.yaml\` are read: \`auth_type\` (\`password\`, \`v2password\`, \`v3password\`, \`v3applicationcredential\`);
\`auth_url\`, \`username\` or \`user_id\`, \`password\`, \`project_name\` or \`project_id\`, domains by \`…_domain_name\` or
\`…_domain_id\`, \`application_credential_id\` (or \`…_name\`) and \`…_secret\`; \`region_name\`, \`interface\`,
\`identity_api_version\`, \`cacert\` (relative to that file), \`verify\`. The files are watched as nodepool.yaml is. A cloud
that they do not have disables its provider alone; where there is no \`clouds.yaml\` at all, that is warned of, and each
call to the cloud says it.`;

const checks = `## What is checked

\`FILE:LINE:COLUMN: what is wrong, what was meant\`, everything in one run, sorted by line.

*Refused*, so that a running daemon keeps its old configuration: syntax, a second key or name, unknown and missing keys,
wrong types, numbers out of range, templates with unknown fields, cron expressions, addresses.

*Disabled alone*, and shown as such: a label that names an unknown provider, or whose image none of its providers has, or
whose node with its subnodes is larger than every provider; a provider within a label that lacks the label's image (the
label keeps its others); an image whose disk image does not exist; a provider whose \`cloud\`, \`cacert\` or
\`password-file\` cannot be used, a target whose \`apikey-file\` cannot. \`config-validate\` exits 6 for these as well.

*Warned of*: names with characters that break statsd keys, labels without providers, sections of secure.conf without
their target, a \`cloud\` without any \`clouds.yaml\`, keys of other generations that have no effect here.

On SIGHUP or when the file changes, only what differs is told to those concerned; launches in progress go on.`;
