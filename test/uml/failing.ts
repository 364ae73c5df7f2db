// Runs inside: comes to no good end.

export async function main(how: 'throw' | 'hang'): Promise<void> {
  if (how === 'throw') throw new Error('nothing works');
  await new Promise((resolve) => setTimeout(resolve, 1e9));
}
