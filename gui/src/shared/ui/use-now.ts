import { useEffect, useState } from 'react';

/** The time, again every `ms` while `runs`. */
export function useNow(ms: number, runs = true): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!runs) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), ms);
    return () => clearInterval(timer);
  }, [ms, runs]);
  return now;
}
