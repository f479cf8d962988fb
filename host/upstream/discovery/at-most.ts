/** Resolves when `done` does, and after `ms` milliseconds at the latest. */
export async function atMost(done: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | null = null
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([done, late])
  if (timer !== null) clearTimeout(timer)
}
