/** A text without the Markdown code fence that chats and documents put around it. */
export const unfenced = (text: string): string => /^\s*```[\w-]*\n([\s\S]*?)\n?```\s*$/.exec(text)?.[1] ?? text;
