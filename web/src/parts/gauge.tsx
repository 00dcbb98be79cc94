/** How much of something is in use, of what may be; on the second line what the number means. */
export function Gauge({
  label,
  value,
  limit,
  max = limit,
  note = '',
}: {
  readonly label: string;
  readonly value: number;
  /** What may be used now. */
  readonly limit: number;
  /** What the configuration would allow. */
  readonly max?: number;
  readonly note?: string;
}) {
  const scale = Math.max(1, max, value);
  const share = (amount: number): string => `${(100 * Math.min(amount, scale)) / scale}%`;
  return (
    <div class="gauge">
      <div class="gauge-text">
        <span>{label}</span>
        <span>
          <b>{value}</b> of {limit}
          {limit === max ? '' : ` (max ${max})`}
        </span>
      </div>
      <div
        class={`gauge-bar ${value > limit ? 'is-over' : ''}`}
        role="meter"
        aria-label={label}
        aria-valuenow={value}
        aria-valuemin={0}
        aria-valuemax={scale}
        aria-valuetext={`${value} of ${limit}`}
      >
        <i class="gauge-off" style={{ left: share(limit) }} />
        <i class="gauge-in" style={{ width: share(value) }} />
      </div>
      {note === '' ? null : <small>{note}</small>}
    </div>
  );
}
