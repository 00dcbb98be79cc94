/** The cloud port's contract, over any real OpenStack. Where the simulated world answers otherwise, that one is wrong. */
import { describe } from 'vitest';

import { cloudContract } from '../contract/cloud.suite.js';
import { findRealCloud, untilCloud } from './real-cloud.js';

const real = await findRealCloud();

describe('OpenStack, a real one', () => {
  cloudContract(() =>
    Promise.resolve({
      cloud: real.open(),
      image: real.image,
      zone: real.zones[0] ?? 'nova',
      hasNetworkService: true,
      hasImageService: true,
      until: condition => untilCloud(condition),
      close: () => Promise.resolve(),
    }),
  );
});
