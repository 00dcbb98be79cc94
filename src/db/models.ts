/**
 * The tables as objection models. A record may lack the columns that our migrations add: the command line reads a
 * database of the original as it is.
 */
import { Model } from 'objection';

type Column<T> = T | null | undefined;

/** PostgreSQL gives a BIGINT as text. */
export type BigintColumn = Column<number | string>;

export class NodeRecord extends Model {
  static override readonly tableName = 'node';

  declare id: number;
  declare provider_name: string;
  declare label_name: string;
  declare target_name: string;
  declare hostname: Column<string>;
  declare nodename: Column<string>;
  declare external_id: Column<string>;
  declare az: Column<string>;
  declare ip: Column<string>;
  declare state: Column<number>;
  declare state_time: Column<number>;
  declare manager_name: Column<string>;
  declare ip_private: Column<string>;
  declare comment: Column<string>;
  declare step: Column<string>;
  declare step_at: BigintColumn;
  declare sent_at: BigintColumn;
  declare job_started_at: BigintColumn;
  declare job_ended_at: BigintColumn;
  declare delete_at: BigintColumn;
  declare group_size: Column<number>;
  declare address_id: Column<string>;
  declare address_sent_at: BigintColumn;
  declare host_key: Column<string>;
  declare snapshot_id: Column<number>;
  declare tag: Column<string>;
  declare expiry: BigintColumn;
  declare last_error: Column<string>;
  declare console: Column<string>;
  declare revision: Column<number>;
  declare subnodes: SubnodeRecord[] | undefined;

  static override readonly relationMappings = () => ({
    subnodes: {
      relation: Model.HasManyRelation,
      modelClass: SubnodeRecord,
      join: { from: 'node.id', to: 'subnode.node_id' },
    },
  });
}

export class SubnodeRecord extends Model {
  static override readonly tableName = 'subnode';

  declare id: number;
  declare node_id: number;
  declare hostname: Column<string>;
  declare external_id: Column<string>;
  declare ip: Column<string>;
  declare ip_private: Column<string>;
  declare state: Column<number>;
  declare state_time: Column<number>;
  declare step: Column<string>;
  declare step_at: BigintColumn;
  declare sent_at: BigintColumn;
  declare address_id: Column<string>;
  declare address_sent_at: BigintColumn;
  declare host_key: Column<string>;
  declare tag: Column<string>;
  declare last_error: Column<string>;
  declare revision: Column<number>;
}

export class SnapshotRecord extends Model {
  static override readonly tableName = 'snapshot_image';

  declare id: number;
  declare provider_name: string;
  declare image_name: string;
  declare hostname: Column<string>;
  declare version: Column<number>;
  declare external_id: Column<string>;
  declare server_external_id: Column<string>;
  declare state: Column<number>;
  declare state_time: Column<number>;
  declare step: Column<string>;
  declare step_at: BigintColumn;
  declare sent_at: BigintColumn;
  declare tag: Column<string>;
  declare ip: Column<string>;
  declare host_key: Column<string>;
  declare username: Column<string>;
  declare address_id: Column<string>;
  declare source: Column<string>;
  declare standing: Column<string>;
  declare launches: Column<number>;
  declare launch_failures: Column<number>;
  declare reason: Column<string>;
  declare last_error: Column<string>;
  declare revision: Column<number>;
}

export class PausedImageRecord extends Model {
  static override readonly tableName = 'paused_image';

  declare id: number;
  declare provider_name: string;
  declare image_name: string;
}

export class AllocationRoundRecord extends Model {
  static override readonly tableName = 'allocation_round';

  declare id: number;
  declare began_at: number | string;
  declare body: string;
}

export class JobRecord extends Model {
  static override readonly tableName = 'job';

  declare id: number;
  declare name: Column<string>;
  declare hold_on_failure: Column<number>;
}

/** Of a record, what is in the table. */
export type SubnodeFields = Omit<SubnodeRecord, keyof Model>;
export type NodeFields = Omit<NodeRecord, keyof Model | 'subnodes'> & {
  readonly subnodes?: readonly SubnodeFields[] | undefined;
};
