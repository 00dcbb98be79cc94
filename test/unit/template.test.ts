import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import {
  TemplateError,
  nodeNameOf,
  renderTemplate,
  templateFields,
  templateProblem,
} from '../../src/domain/template.js';

const scope = {
  label: { name: 'precise', minReady: 3 },
  provider: {
    name: 'rax-dfw',
    regionName: 'DFW',
    pool: null,
    bootTimeoutMs: 120_000,
    cleanFloatingIps: true,
    credentials: { username: 'nova', password: 'secret', projectName: 'ci' },
  },
  image: { name: 'bare', minRamMb: 8192 },
  node_id: 17,
  timestamp: '1403000000',
};
const render = (template: string) => renderTemplate(template, scope);

describe('a template', () => {
  test('of the original’s defaults', () => {
    expect(render('{label.name}-{provider.name}-{node_id}.slave.openstack.org')).toBe(
      'precise-rax-dfw-17.slave.openstack.org',
    );
    expect(render('{provider.name}-{image.name}-{timestamp}')).toBe('rax-dfw-bare-1403000000');
  });

  test.each([
    ['{provider.region_name}', 'DFW'],
    ['{provider.regionName}', 'DFW'],
    ['{provider.boot_timeout}', '120'],
    ['{provider.username}', 'nova'],
    ['{provider.project_id}', 'ci'],
    ['{image.min_ram}', '8192'],
    ['{label.min_ready}', '3'],
    ['{provider.pool}', 'None'],
    ['{provider.clean_floating_ips}', 'True'],
  ])('names an attribute as the original does: %s', (template, text) => {
    expect(render(template)).toBe(text);
  });

  test('writes braces twice, and pads numbers', () => {
    expect(render('{{{node_id}}}')).toBe('{17}');
    expect(render('{{node_id}}')).toBe('{node_id}');
    expect(render('n{node_id:05d}')).toBe('n00017');
    expect(render('n{node_id:4}')).toBe('n  17');
  });

  test.each([
    ['{lable.name}', 'unknown field {lable.name}; there are image, label, node_id, provider, timestamp'],
    ['{label.nmae}', 'unknown field {label.nmae}; label has no nmae'],
    ['{node_id.name}', 'unknown field {node_id.name}; node_id has no name'],
    ['{provider.password}', 'unknown field {provider.password}; provider has no password'],
    ['{provider.credentials.password}', 'unknown field {provider.credentials.password}; provider has no credentials'],
    ['{label}', '{label} is not a text; name one of its attributes'],
    ['{node_id:x}', '{node_id:x}: unknown format x'],
    ['{label.constructor}', 'unknown field {label.constructor}; label has no constructor'],
    ['a{', '"a{": a "{" without its "}"; write "{{" for the character'],
    ['a}', '"a}": a single "}"; write "}}" for the character'],
    ['{}', '"{}": {} is no field; write {name} or {name.attribute}'],
  ])('says what is wrong: %s', (template, message) => {
    expect(templateProblem(template, scope)).toBe(message);
    expect(() => render(template)).toThrow(TemplateError);
  });

  test('tells its fields', () => {
    expect(templateFields('{label.name}-{node_id}{{x}}{label.name}')).toEqual(['label.name', 'node_id']);
  });

  test('without braces is itself, and escaped braces come back', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        expect(render(text.replaceAll('{', '{{').replaceAll('}', '}}'))).toBe(text);
      }),
    );
  });

  test('is either rendered or refused with a message, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('{', '}', ':', '.', 'label', 'name', 'node_id', '0', ' ')), parts => {
        const problem = templateProblem(parts.join(''), scope);
        if (problem !== null) expect(problem).not.toBe('');
      }),
    );
  });
});

test('a node’s name is its host name up to the first dot', () => {
  expect(nodeNameOf('precise-rax-17.slave.openstack.org')).toBe('precise-rax-17');
  expect(nodeNameOf('precise-rax-17')).toBe('precise-rax-17');
});
