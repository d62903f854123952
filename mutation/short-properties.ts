import { configureGlobal } from 'fast-check';

/** A property that a mutant breaks is mostly broken at once; hundreds of courses for each mutant would take hours. */
configureGlobal({ interruptAfterTimeLimit: 500 });
