// BFD_CHECK: the server is well while a BFD session is up. Nothing is asked: the process that has the sessions tells.

import type { Health } from '../health.ts';

export const followSession = (health: Health, up: boolean): Health => ({
  ...health,
  up,
  known: true,
});
