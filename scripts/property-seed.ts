import fc from "fast-check";

// One seed for all property tests, so that a change is judged by the same cases everywhere. REGSCOPE_SEED tries others.
fc.configureGlobal({ seed: Number(process.env.REGSCOPE_SEED ?? 1) });
