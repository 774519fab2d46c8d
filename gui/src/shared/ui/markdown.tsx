import ReactMarkdown from 'react-markdown';
import rehypeSanitize from 'rehype-sanitize';

/** Markdown without raw HTML. Pictures from elsewhere are not loaded: looking at data must contact nobody. */
export default function Markdown({ text }: { readonly text: string }) {
  return (
    <div className="[&_a]:text-accent [&_a]:underline [&_code]:rounded-control [&_code]:bg-raised [&_code]:px-1 [&_code]:font-mono [&_h1]:mt-4 [&_h1]:mb-1 [&_h1]:text-title [&_h2]:mt-4 [&_h2]:mb-1 [&_h2]:text-title [&_h3]:mt-3 [&_h3]:mb-1 [&_li]:my-0.5 [&_ol]:my-2 [&_ol]:list-decimal [&_ol]:pl-5 [&_p]:my-2 [&_pre]:my-2 [&_pre]:overflow-x-auto [&_pre]:rounded-control [&_pre]:bg-raised [&_pre]:p-3 [&_pre_code]:p-0 [&_td]:border [&_td]:border-line [&_td]:px-2 [&_th]:border [&_th]:border-line [&_th]:px-2 [&_ul]:my-2 [&_ul]:list-disc [&_ul]:pl-5 [&>:first-child]:mt-0">
      <ReactMarkdown
        rehypePlugins={[rehypeSanitize]}
        components={{
          img: ({ alt }) => <span className="text-muted">[{alt}]</span>,
          a: ({ href, children }) => (
            <a href={href} target="_blank" rel="noreferrer noopener">
              {children}
            </a>
          ),
          pre: ({ children }) => <pre tabIndex={0}>{children}</pre>,
          // The page has its own first heading; a document's headings stand below it.
          h1: ({ children }) => <h3>{children}</h3>,
          h2: ({ children }) => <h4 className="mt-3 font-semibold">{children}</h4>,
          h3: ({ children }) => <h5 className="mt-3 font-semibold">{children}</h5>,
        }}
      >
        {text}
      </ReactMarkdown>
    </div>
  );
}
