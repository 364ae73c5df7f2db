// Loaded into our daemon with NODE_OPTIONS: keeps the JavaScript of the VRRP process busy for 100 ms of every 400, once
// it has its I/O thread (a spare has not). The program itself has no such switch.

const { readdirSync, readFileSync } = require('node:fs');

const tasks = '/proc/self/task';
const serves = () =>
  readdirSync(tasks).some((task) => readFileSync(`${tasks}/${task}/comm`, 'utf8') === 'io\n');

if (/"name":"vrrp"/.test(process.env.KEEPALIVED_ROLE ?? ''))
  setInterval(() => {
    const until = performance.now() + 100;
    if (serves()) while (performance.now() < until);
  }, 400);
