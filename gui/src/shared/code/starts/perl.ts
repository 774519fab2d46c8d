import type { Starts } from './start';

export const perl: Starts = {
  start: {
    all: {
      comment: { sign: '#', about: 'all', names: { items: '$items', json: 'json' } },
      code: `my $at = 0;
my @results = map { +{ %{ $_->{json} }, position => ++$at } } @$items;
log(scalar(@results) . ' items');
return \\@results;`,
    },
    each: {
      comment: { sign: '#', about: 'each', names: { item: '$item', index: '$index' } },
      code: 'return { %{ $item->{json} }, position => $index + 1 };',
    },
  },
  snippets: [
    {
      id: 'keep',
      mode: 'all',
      code: ({ number }) => `return [ grep { ($_->{json}{${number}} // 0) > 0 } @$items ];`,
    },
    {
      id: 'total',
      mode: 'all',
      code: ({ number }) => `my $total = 0;
$total += $_->{json}{${number}} // 0 for @$items;
return { items => scalar @$items, total => $total };`,
    },
    {
      id: 'group',
      mode: 'all',
      code: ({ text }) => `my %counts;
$counts{ $_->{json}{${text}} // '' }++ for @$items;
return [ map { +{ ${text} => $_, count => $counts{$_} } } sort keys %counts ];`,
    },
    {
      id: 'outputs',
      mode: 'all',
      output: 'rest',
      code: ({ text }) => `set_output('rest', [ grep { !$_->{json}{${text}} } @$items ]);
return [ grep { $_->{json}{${text}} } @$items ];`,
    },
    {
      id: 'file',
      mode: 'all',
      code: ({ text }) => `open my $out, '>:encoding(UTF-8)', 'out/${text}.txt' or die "out/${text}.txt: $!";
say $out $_->{json}{${text}} // '' for @$items;
close $out;
return { json => { items => scalar @$items }, files => { data => 'out/${text}.txt' } };`,
    },
    {
      id: 'keep',
      mode: 'each',
      code: ({ number }) => `return unless ($item->{json}{${number}} // 0) > 0;
return $item;`,
    },
    {
      id: 'split',
      mode: 'each',
      code: ({ text }) => `return [ map { +{ word => $_ } } split ' ', $item->{json}{${text}} // '' ];`,
    },
  ],
};
