import { call, type RealCloud } from './real-cloud.js';

/** Ids of what a project has. */
export interface Belongings {
  readonly servers: readonly string[];
  readonly addresses: readonly string[];
  readonly keypairs: readonly string[];
  readonly ports: readonly string[];
  readonly images: readonly string[];
}

export async function leftIn(real: RealCloud): Promise<Belongings> {
  const cloud = real.open();
  try {
    return {
      servers: (await cloud.listServers(call)).map(({ id }) => id),
      addresses: (await cloud.listAddresses(call)).map(({ id }) => id),
      keypairs: (await cloud.listKeypairs(call)).map(({ name }) => name),
      ports: (await cloud.listPorts(call)).map(({ id }) => id),
      images: (await cloud.listImages(call)).map(({ id }) => id),
    };
  } finally {
    await cloud.close();
  }
}

export const nothing: Belongings = { servers: [], addresses: [], keypairs: [], ports: [], images: [] };
