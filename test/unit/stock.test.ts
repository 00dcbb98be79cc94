import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import { nodeId } from '../../src/domain/ids.js';
import { nodeStates } from '../../src/domain/states.js';
import { Stock, type NodeFactSheet } from '../../src/domain/stock.js';

const fact = fc.record({
  id: fc.integer({ min: 1, max: 12 }).map(nodeId),
  revision: fc.nat(9),
  provider: fc.constantFrom('p', 'q'),
  label: fc.constantFrom('bare', 'pair'),
  target: fc.constantFrom('j1', 'j2'),
  state: fc.constantFrom(...nodeStates),
  jobEnded: fc.boolean(),
  jobEndedAt: fc.option(fc.nat(100)),
  servers: fc.nat(4),
});
const change = fc.oneof(
  { weight: 3, arbitrary: fact.map(fact => ({ fact, forgotten: null })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }).map(id => ({ fact: null, forgotten: nodeId(id) })) },
);

/** Each thing counted anew, from all facts. */
function recount(facts: readonly NodeFactSheet[]) {
  const sum = (chosen: readonly NodeFactSheet[]) => chosen.reduce((total, each) => total + each.servers, 0);
  const places = ['bare', 'pair'].map(label =>
    ['j1', 'j2'].map(target => {
      const there = facts.filter(each => each.label === label && each.target === target);
      return {
        total: there.length,
        stock: there.filter(each => ['ready', 'building', 'test'].includes(each.state)).length,
        used: there.filter(each => each.state === 'used' && !each.jobEnded).length,
      };
    }),
  );
  const providers = ['p', 'q'].map(provider => {
    const there = facts.filter(each => each.provider === provider);
    const byLabel = ['bare', 'pair'].flatMap(label => {
      const servers = sum(there.filter(each => each.label === label));
      return servers === 0 ? [] : [[label, servers] as const];
    });
    return {
      servers: sum(there),
      held: sum(there.filter(each => each.state === 'hold')),
      launching: there.filter(each => ['building', 'test'].includes(each.state)).length,
      byLabel: new Map(byLabel),
    };
  });
  const states = Object.fromEntries(
    nodeStates.map(state => [state, facts.filter(each => each.state === state).length] as const),
  );
  return { size: facts.length, states, places, providers, ended: facts.filter(each => each.jobEndedAt !== null) };
}

function counted(stock: Stock) {
  const none = { total: 0, stock: 0, used: 0 };
  return {
    size: stock.size,
    states: stock.states,
    places: ['bare', 'pair'].map(label => ['j1', 'j2'].map(target => stock.ofLabel(label).get(target) ?? none)),
    providers: ['p', 'q'].map(provider => stock.inProvider(provider)),
    ended: [...stock.ended()].sort((a, b) => a.id - b.id),
  };
}

describe('the stock', () => {
  test('lesson 40: counts after any changes what one count of all nodes would', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), changes => {
        const stock = new Stock();
        const facts = new Map<number, NodeFactSheet>();
        for (const { fact, forgotten } of changes) {
          if (fact !== null) {
            stock.note(fact);
            facts.set(fact.id, fact);
          } else {
            stock.forget(forgotten);
            facts.delete(forgotten);
          }
        }
        expect(counted(stock)).toEqual(recount([...facts.values()].sort((a, b) => a.id - b.id)));
      }),
    );
  });
});
