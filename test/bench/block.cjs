// Loaded into our daemon with NODE_OPTIONS: keeps the JavaScript of the VRRP process busy for 100 ms of every 400.
// The program itself has no such switch.

if (/"name":"vrrp"/.test(process.env.KEEPALIVED_ROLE ?? ''))
  setInterval(() => {
    const until = performance.now() + 100;
    while (performance.now() < until);
  }, 400);
