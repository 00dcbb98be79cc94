/** What Nova is sent and what it says, between its words and ours. */
import { isIPv6 } from 'node:net';

import { flavorId, imageId, serverId } from '../../domain/ids.js';
import type { CloudImage, CloudKeypair, Flavor, Server, ServerAddress, ServerSpec } from '../../ports/cloud.js';
import {
  idText,
  jsonList,
  jsonObject,
  jsonObjectOrEmpty,
  text,
  textOrNull,
  textRecord,
  wholeNumber,
  type Json,
} from './decode.js';

export function serverBody(spec: ServerSpec): Json {
  return {
    name: spec.name,
    imageRef: spec.imageId,
    flavorRef: spec.flavorId,
    min_count: 1,
    max_count: 1,
    metadata: spec.metadata,
    ...(spec.keyName === null ? {} : { key_name: spec.keyName }),
    ...(spec.az === null ? {} : { availability_zone: spec.az }),
    ...(spec.configDrive === null ? {} : { config_drive: spec.configDrive }),
    ...(spec.userData === null ? {} : { user_data: Buffer.from(spec.userData, 'utf8').toString('base64') }),
    ...(spec.securityGroups.length === 0 ? {} : { security_groups: spec.securityGroups.map(name => ({ name })) }),
    // Without the key Nova picks the only network of the project; an empty list would mean the same or none at all.
    ...(spec.networks.length === 0 ? {} : { networks: spec.networks.map(networkBody) }),
  };
}

function networkBody(network: ServerSpec['networks'][number]): Json {
  return {
    ...(network.id === null ? {} : { uuid: network.id }),
    ...(network.portId === null ? {} : { port: network.portId }),
    ...(network.fixedIp === null ? {} : { fixed_ip: network.fixedIp }),
  };
}

export function decodeServer(value: unknown): Server {
  const server = jsonObject(value, 'server');
  const id = serverId(idText(server['id'], 'server.id'));
  const where = `server ${id}`;
  return {
    id,
    name: textOrNull(server['name'], `${where}: name`) ?? '',
    status: text(server['status'], `${where}: status`).toUpperCase(),
    addresses: decodeAddresses(server['addresses'], where),
    az: textOrNull(server['OS-EXT-AZ:availability_zone'], `${where}: availability zone`) || null,
    metadata: textRecord(server['metadata'], `${where}: metadata`),
    keyName: textOrNull(server['key_name'], `${where}: key_name`),
    faultMessage: textOrNull(jsonObjectOrEmpty(server['fault'], `${where}: fault`)['message'], `${where}: fault`),
  };
}

function decodeAddresses(value: unknown, where: string): readonly ServerAddress[] {
  return Object.entries(jsonObjectOrEmpty(value, `${where}: addresses`)).flatMap(([network, entries]) =>
    jsonList(entries, `${where}: addresses of ${network}`).map(entry => decodeAddress(network, entry, where)),
  );
}

/** A bare string in OpenStack 1.0 (reference 14.6), `{version, addr}` in 2014, with its type since. */
function decodeAddress(network: string, value: unknown, where: string): ServerAddress {
  if (typeof value === 'string') return { network, version: isIPv6(value) ? 6 : 4, address: value, kind: null };
  const entry = jsonObject(value, `${where}: address in ${network}`);
  const address = text(entry['addr'], `${where}: addr in ${network}`);
  const type = entry['OS-EXT-IPS:type'];
  const kind = type === 'fixed' || type === 'floating' ? type : null;
  return { network, version: isIPv6(address) ? 6 : 4, address, kind };
}

export function decodeFlavor(value: unknown): Flavor {
  const flavor = jsonObject(value, 'flavor');
  const id = flavorId(idText(flavor['id'], 'flavor.id'));
  return {
    id,
    name: text(flavor['name'], `flavor ${id}: name`),
    ramMb: wholeNumber(flavor['ram'], `flavor ${id}: ram`),
    cores: wholeNumber(flavor['vcpus'], `flavor ${id}: vcpus`),
  };
}

export function decodeImage(value: unknown): CloudImage {
  const image = jsonObject(value, 'image');
  const id = imageId(idText(image['id'], 'image.id'));
  return {
    id,
    name: textOrNull(image['name'], `image ${id}: name`) ?? '',
    status: text(image['status'], `image ${id}: status`).toLowerCase(),
    metadata: textRecord(image['metadata'], `image ${id}: metadata`),
  };
}

/** Each is wrapped once more: `{keypair: {name, …}}`. */
export function decodeKeypair(value: unknown): CloudKeypair {
  const keypair = jsonObject(jsonObject(value, 'keypairs[]')['keypair'], 'keypair');
  return { name: text(keypair['name'], 'keypair.name') };
}
