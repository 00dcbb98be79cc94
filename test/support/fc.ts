/**
 * Properties are tried with the same values each time, so that a change is judged by what it changes. Others are tried
 * with `FAST_CHECK_SEED=7 npm run check`; what they find becomes a test of its own.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['FAST_CHECK_SEED'] ?? 1) });

export { fc };
