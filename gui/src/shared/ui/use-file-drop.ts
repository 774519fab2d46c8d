import { type DragEvent, useRef, useState } from 'react';

const hasFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes('Files');

type Taker = (file: File, client: { readonly x: number; readonly y: number }) => void;

/** Takes a file that is dropped on an element, with where on the screen. `isOver` says that one hangs above it. */
export function useFileDrop(onFile: Taker) {
  const [isOver, setOver] = useState(false);
  // Entering a child tells of it before leaving its parent.
  const depth = useRef(0);
  return {
    isOver,
    handlers: {
      onDragEnter: (event: DragEvent) => {
        if (!hasFiles(event)) return;
        depth.current += 1;
        setOver(true);
      },
      onDragLeave: (event: DragEvent) => {
        if (!hasFiles(event)) return;
        depth.current = Math.max(0, depth.current - 1);
        if (depth.current === 0) setOver(false);
      },
      onDragOver: (event: DragEvent) => {
        if (hasFiles(event)) event.preventDefault();
      },
      onDrop: (event: DragEvent) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        depth.current = 0;
        setOver(false);
        const file = event.dataTransfer.files[0];
        if (file) onFile(file, { x: event.clientX, y: event.clientY });
      },
    },
  };
}
