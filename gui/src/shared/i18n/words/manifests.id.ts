//! What the manifests of the built-in components say, in Indonesian. Keys are their own English words, so that a text which
//! is changed on the node, and every text of a component that is not known here, is shown as the node gives it.
//! The long pages of docs stay in the manifests' language.
export const manifests: Readonly<Record<string, string>> = {
  // Categories
  AI: 'AI',
  Code: 'Kode',
  'Files and formats': 'Berkas dan format',
  Flow: 'Alur',
  Items: 'Item',
  Network: 'Jaringan',
  Triggers: 'Pemicu',

  // Titles
  Aggregate: 'Ringkas per kelompok',
  Approval: 'Persetujuan',
  'Ask a model': 'Tanya model',
  Bash: 'Bash',
  'Read CSV': 'Baca CSV',
  'Write CSV': 'Tulis CSV',
  Filter: 'Saring',
  'HTTP request': 'Permintaan HTTP',
  If: 'Jika',
  JavaScript: 'JavaScript',
  JSON: 'JSON',
  Limit: 'Batasi jumlah',
  'List files': 'Daftar berkas',
  'Loop over items': 'Ulangi per item',
  Manual: 'Manual',
  Merge: 'Gabungkan',
  'Do nothing': 'Tidak melakukan apa pun',
  Perl: 'Perl',
  PHP: 'PHP',
  Python: 'Python',
  'Read file': 'Baca berkas',
  'Respond to webhook': 'Jawab webhook',
  Ruby: 'Ruby',
  'Set fields': 'Isi kolom',
  Sort: 'Urutkan',
  'Split out': 'Pecah daftar',
  'Stop with an error': 'Berhenti dengan kesalahan',
  "Run at a friend's": 'Jalankan di tempat teman',
  'Run a preset': 'Jalankan alur kerja lain',
  Switch: 'Pilah',
  Wait: 'Tunggu',
  Webhook: 'Webhook',
  'Write file': 'Tulis berkas',

  // Summaries
  'Counts, sums and collects items, by group.': 'Menghitung, menjumlahkan, dan mengumpulkan item per kelompok.',
  "Waits for a person's yes or no.": 'Menunggu ya atau tidak dari seseorang.',
  'Runs Bash code over items, in a sandbox of its own.': 'Menjalankan kode Bash atas item, di kotak pasir sendiri.',
  'Runs JavaScript code over items, in a sandbox of its own.':
    'Menjalankan kode JavaScript atas item, di kotak pasir sendiri.',
  'Runs Perl code over items, in a sandbox of its own.': 'Menjalankan kode Perl atas item, di kotak pasir sendiri.',
  'Runs PHP code over items, in a sandbox of its own.': 'Menjalankan kode PHP atas item, di kotak pasir sendiri.',
  'Runs Python code over items, in a sandbox of its own.': 'Menjalankan kode Python atas item, di kotak pasir sendiri.',
  'Runs Ruby code over items, in a sandbox of its own.': 'Menjalankan kode Ruby atas item, di kotak pasir sendiri.',
  'Runs a piece of JavaScript inside the node.': 'Menjalankan sepotong JavaScript di dalam node.',
  'Makes an item of each row of a CSV, and sorts out bad rows.':
    'Membuat satu item dari tiap baris CSV, dan menyisihkan baris yang rusak.',
  'Makes one CSV of all items.': 'Membuat satu CSV dari semua item.',
  'Keeps the items that meet a condition.': 'Menyimpan item yang memenuhi syarat.',
  'Sends an HTTP request for each item and gives the answers.':
    'Mengirim permintaan HTTP untuk tiap item dan memberikan jawabannya.',
  'Sends each item to `true` or `false` by a condition.': 'Mengirim tiap item ke `true` atau `false` menurut syarat.',
  'Reads JSON text into values, or writes values as JSON text.':
    'Membaca teks JSON menjadi nilai, atau menulis nilai sebagai teks JSON.',
  'Keeps the first or last items.': 'Menyimpan item pertama atau terakhir.',
  'Lists the files of a folder of this machine.': 'Mendaftar berkas dari sebuah folder di mesin ini.',
  'Runs the steps behind `loop` once per batch of items.':
    'Menjalankan langkah di belakang `loop` sekali untuk tiap kelompok item.',
  'Starts a job when a person or a program asks for it.':
    'Memulai eksekusi ketika seseorang atau sebuah program memintanya.',
  'Brings two streams of items together.': 'Menyatukan dua aliran item.',
  'Passes its items on unchanged.': 'Meneruskan item tanpa perubahan.',
  'Reads a file of this machine.': 'Membaca berkas dari mesin ini.',
  'Answers the webhook that started the job.': 'Menjawab webhook yang memulai eksekusi ini.',
  'Sets, computes and removes fields of each item.': 'Mengisi, menghitung, dan menghapus kolom tiap item.',
  'Puts items in order.': 'Mengurutkan item.',
  'Makes an item of each element of a list.': 'Membuat satu item dari tiap elemen daftar.',
  'Fails with a message of yours.': 'Gagal dengan pesan Anda.',
  'Runs another preset with the items and gives its output.':
    'Menjalankan alur kerja lain dengan item ini dan memberikan hasilnya.',
  'Sends each item to the port of the case that it meets.': 'Mengirim tiap item ke port dari kasus yang dipenuhinya.',
  'Waits for a while or until a time, over restarts too.':
    'Menunggu selama beberapa waktu atau sampai saat tertentu, juga melewati mulai ulang.',
  'Starts a job for every HTTP request to a path.': 'Memulai eksekusi untuk tiap permintaan HTTP ke sebuah jalur.',
  'Writes a file on this machine.': 'Menulis berkas di mesin ini.',

  // Ports
  'The items to work on.': 'Item yang dikerjakan.',
  'The resulting items.': 'Item hasilnya.',
  'The items that the script sees.': 'Item yang dilihat skrip.',
  'What the script returns, as items.': 'Yang dikembalikan skrip, sebagai item.',
  'The items, after a yes.': 'Item, setelah ya.',
  'The items, after a no.': 'Item, setelah tidak.',
  'The good rows.': 'Baris yang baik.',
  'The bad rows: `line`, `reason`, `row`.': 'Baris yang rusak: `line`, `reason`, `row`.',
  'Items that meet the condition.': 'Item yang memenuhi syarat.',
  'All other items, if somebody wants them.': 'Semua item lain, bila ada yang memerlukannya.',
  'All other items.': 'Semua item lain.',
  'The items to go through.': 'Item yang dilalui.',
  'What each round gives back.': 'Yang dikembalikan tiap putaran.',
  'The items of one round; wire the steps of the loop here.':
    'Item satu putaran; sambungkan langkah-langkah perulangan di sini.',
  'What came back from all rounds, in order.': 'Yang kembali dari semua putaran, berurutan.',
  'The first stream.': 'Aliran pertama.',
  'The second stream.': 'Aliran kedua.',
  'Items that meet no case.': 'Item yang tidak memenuhi kasus mana pun.',

  // Examples
  'Orders per customer': 'Pesanan per pelanggan',
  'Before a payment': 'Sebelum pembayaran',
  'Add up the prices of all items': 'Jumlahkan harga semua item',
  Totals: 'Jumlah akhir',
  'One bad row': 'Satu baris rusak',
  'Two rows': 'Dua baris',
  'Open tickets': 'Tiket yang terbuka',
  'An order to a shop': 'Pesanan ke toko',
  'Large and small orders': 'Pesanan besar dan kecil',
  'Text to items': 'Teks menjadi item',
  'The two newest': 'Dua yang terbaru',
  'All logs': 'Semua log',
  'Batches of ten': 'Sepuluh sekaligus',
  "Gives the job's input": 'Memberikan masukan eksekusi',
  'Orders with their customers': 'Pesanan beserta pelanggannya',
  'Two items pass': 'Dua item lewat',
  'A log, line by line': 'Log, baris demi baris',
  'A receipt': 'Tanda terima',
  'A total from price and count': 'Jumlah dari harga dan banyaknya',
  'Largest first, then by name': 'Terbesar dulu, lalu menurut nama',
  'Order lines': 'Baris pesanan',
  'An order without lines': 'Pesanan tanpa baris',
  'A shared report': 'Laporan bersama',
  'By level': 'Menurut tingkat',
  'Five minutes': 'Lima menit',
  'A request to /hooks/orders': 'Permintaan ke /hooks/orders',
  'A report': 'Laporan',

  // Titles of fields
  Run: 'Jalankan',
  'Further outputs': 'Keluaran lain',
  'Time limit (ms)': 'Batas waktu (ms)',
  'Memory limit (MB)': 'Batas memori (MB)',
  Permissions: 'Izin',
  'Standard output': 'Keluaran standar',
  'Read standard output as': 'Baca keluaran standar sebagai',
  'What repeating it does': 'Akibat bila diulang',

  // Fields: aggregate
  'Fields or expressions: items that are the same in all of them form a group. Without any, all items are one group.':
    'Kolom atau ekspresi: item yang sama di semuanya menjadi satu kelompok. Tanpa satu pun, semua item adalah satu kelompok.',
  'A field or an expression.': 'Kolom atau ekspresi.',
  'The same with a name of its own.': 'Sama, dengan nama sendiri.',
  'The field of the result.': 'Kolom hasilnya.',
  'What is computed for each group.': 'Yang dihitung untuk tiap kelompok.',
  'What is done with the values of the group.': 'Yang dilakukan dengan nilai kelompok.',
  'All values in a list.': 'Semua nilai dalam daftar.',
  'The different values in a list.': 'Nilai yang berbeda-beda dalam daftar.',
  'How many there are.': 'Berapa banyaknya.',
  'How many different ones there are.': 'Berapa banyak yang berbeda.',
  'Their sum.': 'Jumlahnya.',
  'Their average.': 'Rata-ratanya.',
  'The smallest.': 'Yang terkecil.',
  'The largest.': 'Yang terbesar.',
  'The first.': 'Yang pertama.',
  'The last.': 'Yang terakhir.',
  'The field or expression that gives the values; `list` and `count` may do without and take whole items.':
    'Kolom atau ekspresi yang memberi nilai; `list` dan `count` boleh tanpa ini dan memakai item utuh.',
  "The field of the result; otherwise the operation and the field's name, such as `sum_amount`.":
    'Kolom hasilnya; jika tidak, operasi dan nama kolomnya, seperti `sum_amount`.',

  // Fields: approval
  'The question, in a few words.': 'Pertanyaannya, dalam beberapa kata.',
  'What will happen on yes, and what is at stake.': 'Yang terjadi bila ya, dan apa yang dipertaruhkan.',
  'How long to wait for an answer, such as `2d`; absent waits as long as it takes.':
    'Berapa lama menunggu jawaban, seperti `2d`; bila kosong, menunggu selama perlu.',
  'What counts when nobody answered in time.': 'Yang berlaku bila tidak ada yang menjawab pada waktunya.',
  'No.': 'Tidak.',
  'Yes.': 'Ya.',

  // Fields: scripts
  'The script. It sees `items`, `vars`, `secrets`, `log` and `set_output`; the docs show how.':
    'Skripnya. Ia melihat `items`, `vars`, `secrets`, `log`, dan `set_output`; panduan menunjukkan caranya.',
  '`all`: once, with all items. `each`: once for each item.':
    '`all`: sekali, dengan semua item. `each`: sekali untuk tiap item.',
  'Ports beside `out` that the script gives items to with `set_output`.':
    'Port selain `out` yang diberi item oleh skrip dengan `set_output`.',
  'Past it the script and everything it started is ended.': 'Lewat dari itu skrip dan semua yang dimulainya diakhiri.',
  "For all its processes together, beside the interpreter's own.":
    'Untuk semua prosesnya bersama, di luar milik penerjemahnya.',
  'What it may touch. Nothing unless named.': 'Yang boleh disentuhnya. Tidak ada bila tidak disebut.',
  'Hosts it may connect to. In this version any entry opens the whole network.':
    'Host yang boleh dihubunginya. Di versi ini entri apa pun membuka seluruh jaringan.',
  'Folders and files it may read, by whole path.': 'Folder dan berkas yang boleh dibacanya, dengan jalur lengkap.',
  'Folders and files it may write, by whole path.': 'Folder dan berkas yang boleh ditulisnya, dengan jalur lengkap.',
  "`log`: into the step's log. `output`: out of port `out` as items.":
    '`log`: ke log langkah. `output`: keluar dari port `out` sebagai item.',
  'With `stdout: output`. `auto`: items when every line is JSON, else one item {"line": …} per line.':
    'Dengan `stdout: output`. `auto`: item bila tiap baris adalah JSON, jika tidak satu item {"line": …} per baris.',
  '`pure`: nothing, it only computes. `idempotent`: it may be repeated. `external`: it changes the world.':
    '`pure`: tidak ada, hanya menghitung. `idempotent`: boleh diulang. `external`: mengubah dunia.',

  // Fields: code
  'The body of a JavaScript function.': 'Isi sebuah fungsi JavaScript.',
  'How often it runs.': 'Seberapa sering dijalankan.',
  'Once, with all items in `$items`.': 'Sekali, dengan semua item di `$items`.',
  'Once per item, with `$item` and `$json`.': 'Sekali per item, dengan `$item` dan `$json`.',
  'How long it may compute, in milliseconds.': 'Berapa lama boleh menghitung, dalam milidetik.',

  // Fields: CSV
  'The field that holds the text, or an expression that gives it.':
    'Kolom yang memuat teksnya, atau ekspresi yang memberikannya.',
  'The name of the file that travels with the item, instead of `from`.':
    'Nama berkas yang menyertai item, sebagai ganti `from`.',
  'What stands between values: one character, or `\\t`.': 'Yang ada di antara nilai: satu karakter, atau `\\t`.',
  'Whether the first row names the columns.': 'Apakah baris pertama menamai kolom.',
  'Names of the columns, when no row does, or instead of it.':
    'Nama kolom, bila tidak ada baris yang menamainya, atau sebagai gantinya.',
  'Whether blanks around values are cut off.': 'Apakah spasi di sekitar nilai dipotong.',
  'What the values of a column must be; a row with another value is bad. Columns that are not named here are text.':
    'Jenis nilai sebuah kolom; baris dengan nilai lain dianggap rusak. Kolom yang tidak disebut di sini adalah teks.',
  'Any text.': 'Teks apa pun.',
  'A number.': 'Angka.',
  'A number without a fraction.': 'Bilangan bulat.',
  '`true` or `false`, also as yes/no and 1/0.': '`true` atau `false`, juga sebagai yes/no dan 1/0.',
  'A date as `2026-01-31`.': 'Tanggal seperti `2026-01-31`.',
  'Columns that must not be empty; a row where one is, is bad.':
    'Kolom yang tidak boleh kosong; baris yang salah satunya kosong dianggap rusak.',
  'The fields, in order, such as `customer.name`. Without any, all fields of all items.':
    'Kolom-kolomnya, berurutan, seperti `customer.name`. Tanpa satu pun, semua kolom semua item.',
  'Where the CSV goes.': 'Ke mana CSV ditaruh.',
  'The field `text` of one item.': 'Kolom `text` dari satu item.',
  'The file `data` of one item.': 'Berkas `data` dari satu item.',
  'File: the name that people see.': 'Berkas: nama yang dilihat orang.',

  // Fields: conditions
  'An expression that is true for the items meant, such as `{{ $json.amount > 100 }}`.':
    'Ekspresi yang benar untuk item yang dimaksud, seperti `{{ $json.amount > 100 }}`.',
  'Rules to put together without writing an expression.': 'Aturan yang disusun tanpa menulis ekspresi.',
  'One rule.': 'Satu aturan.',
  'What is looked at, usually an expression such as `{{ $json.status }}`.':
    'Yang dilihat, biasanya ekspresi seperti `{{ $json.status }}`.',
  'How the two sides are compared.': 'Cara kedua sisi dibandingkan.',
  'Both are the same.': 'Keduanya sama.',
  'They differ.': 'Keduanya berbeda.',
  'Left is more than right.': 'Kiri lebih dari kanan.',
  'Left is right or more.': 'Kiri sama dengan kanan atau lebih.',
  'Left is less than right.': 'Kiri kurang dari kanan.',
  'Left is right or less.': 'Kiri sama dengan kanan atau kurang.',
  'The text holds right, or the list holds an element that equals it.':
    'Teks memuat yang kanan, atau daftar memuat elemen yang sama dengannya.',
  'It does not.': 'Tidak memuat.',
  'The text starts with right.': 'Teks dimulai dengan yang kanan.',
  'The text ends with right.': 'Teks diakhiri dengan yang kanan.',
  'The text matches the regular expression on the right.': 'Teks cocok dengan ekspresi reguler di kanan.',
  'Left is an element of the list on the right.': 'Kiri adalah elemen daftar di kanan.',
  'There is something, and it is not null.': 'Ada sesuatu, dan bukan null.',
  'There is nothing, or null.': 'Tidak ada apa-apa, atau null.',
  'There is nothing in it: no value, no text, an empty list or object.':
    'Tidak ada isinya: tanpa nilai, tanpa teks, daftar atau objek kosong.',
  'There is something in it.': 'Ada isinya.',
  'It counts as true.': 'Dianggap benar.',
  'It counts as false.': 'Dianggap salah.',
  'What it is compared with.': 'Pembandingnya.',
  'How many of the rules must hold.': 'Berapa aturan yang harus terpenuhi.',
  'Every rule must hold.': 'Semua aturan harus terpenuhi.',
  'One rule is enough.': 'Satu aturan sudah cukup.',

  // Fields: http-request
  'The method.': 'Metodenya.',
  'The address, with `http://` or `https://`.': 'Alamatnya, dengan `http://` atau `https://`.',
  'Query parameters by name; a list gives a parameter several times, null leaves it out.':
    'Parameter kueri menurut nama; daftar memberi parameter beberapa kali, null menghilangkannya.',
  'Headers by name.': 'Header menurut nama.',
  'How to log in, by secrets that the step is given.': 'Cara masuk, dengan rahasia yang diberikan pada langkah.',
  'The name of the secret that is sent as `Authorization: Bearer …`.':
    'Nama rahasia yang dikirim sebagai `Authorization: Bearer …`.',
  'User and password.': 'Pengguna dan sandi.',
  "The user's name.": 'Nama pengguna.',
  'The name of the secret that holds the password.': 'Nama rahasia yang memuat sandinya.',
  'A header whose value is a secret.': 'Header yang nilainya rahasia.',
  "The header's name, such as `X-Api-Key`.": 'Nama headernya, seperti `X-Api-Key`.',
  'The name of the secret.': 'Nama rahasianya.',
  'What is sent.': 'Yang dikirim.',
  'A body as the config gives it.': 'Isi seperti yang diberikan pengaturan.',
  'Values, sent as JSON.': 'Nilai, dikirim sebagai JSON.',
  'Fields, sent as a form.': 'Kolom, dikirim sebagai formulir.',
  'Text, sent as it is.': 'Teks, dikirim apa adanya.',
  'The name of a file that travels with the item.': 'Nama berkas yang menyertai item.',
  'What becomes of the answer.': 'Jawaban dijadikan apa.',
  'JSON where the answer says that it is, otherwise text.': 'JSON bila jawabannya berkata demikian, jika tidak teks.',
  'The values of its JSON.': 'Nilai dari JSON-nya.',
  'Its text.': 'Teksnya.',
  'A file that travels with the item under the name `data`.': 'Berkas yang menyertai item dengan nama `data`.',
  'How long one request may take, in milliseconds.': 'Berapa lama satu permintaan boleh berlangsung, dalam milidetik.',
  'Which answers are good.': 'Jawaban mana yang baik.',
  'Those with a status from 200 to 299; others fail the step.':
    'Yang berstatus 200 sampai 299; yang lain menggagalkan langkah.',
  'All; look at `status`.': 'Semua; lihat `status`.',
  'How many redirects are followed.': 'Berapa pengalihan yang diikuti.',
  'How many requests are under way at once.': 'Berapa permintaan yang berjalan serentak.',

  // Fields: json, limit, list-files, loop
  'What to do.': 'Yang dilakukan.',
  'Text to values.': 'Teks menjadi nilai.',
  'Values to text.': 'Nilai menjadi teks.',
  'The field that is read, or an expression; when writing without it, the whole item.':
    'Kolom yang dibaca, atau ekspresi; saat menulis tanpa ini, seluruh item.',
  'The field that the result goes to. Parsing without it makes the result the item, and a list one item each.':
    'Kolom tempat hasilnya. Mengurai tanpa ini menjadikan hasilnya item, dan daftar satu item per elemen.',
  'Whether written JSON is laid out in lines for people.': 'Apakah JSON ditulis dalam baris-baris untuk orang.',
  'How many items to keep at most.': 'Paling banyak berapa item yang disimpan.',
  'How many items to leave out first.': 'Berapa item yang dilewati lebih dulu.',
  'From which end.': 'Dari ujung mana.',
  'The first items.': 'Item-item pertama.',
  'The last items, in their order.': 'Item-item terakhir, dalam urutannya.',
  "Which folder: an absolute path, `~/…`, or a path in the node's files folder; `.` is that folder itself.":
    'Folder mana: jalur mutlak, `~/…`, atau jalur di folder berkas node; `.` adalah folder itu sendiri.',
  'Names to list, as `*.csv` or `2026/**/*.log`; a name without `/` counts in every folder.':
    'Nama yang didaftar, seperti `*.csv` atau `2026/**/*.log`; nama tanpa `/` berlaku di semua folder.',
  'Whether folders in it are searched too.': 'Apakah folder di dalamnya juga dicari.',
  'What is listed.': 'Yang didaftar.',
  'Files.': 'Berkas.',
  'Folders.': 'Folder.',
  'Both.': 'Keduanya.',
  'How many there may be; more is an error.': 'Berapa banyak yang boleh ada; lebih dari itu kesalahan.',
  'How many items a round gets.': 'Berapa item untuk satu putaran.',
  'How many rounds there may be; more is an error.': 'Berapa putaran yang boleh ada; lebih dari itu kesalahan.',

  // Fields: merge
  'How the two lists become one.': 'Cara dua daftar menjadi satu.',
  'All of `a`, then all of `b`.': 'Semua dari `a`, lalu semua dari `b`.',
  'Items whose key is the same become one.': 'Item yang kuncinya sama menjadi satu.',
  'The first with the first, the second with the second.':
    'Yang pertama dengan yang pertama, yang kedua dengan yang kedua.',
  'Every item of `a` with every item of `b`.': 'Tiap item `a` dengan tiap item `b`.',
  'By key: the field that must be the same on both sides.': 'Menurut kunci: kolom yang harus sama di kedua sisi.',
  'By key: its field in `b`, where it has another name there.':
    'Menurut kunci: kolomnya di `b`, bila di sana namanya lain.',
  'By key and by position: what happens to items without a partner.':
    'Menurut kunci dan posisi: yang terjadi pada item tanpa pasangan.',
  'They are left out.': 'Dibuang.',
  'Those of `a` stay.': 'Milik `a` tetap ada.',
  'Those of `b` stay.': 'Milik `b` tetap ada.',
  'All stay.': 'Semua tetap ada.',
  'Only those of `a` without a partner stay, and nothing else.':
    'Hanya milik `a` tanpa pasangan yang tetap ada, lainnya tidak.',
  'Which side wins where both have a field.': 'Sisi mana yang menang bila keduanya punya kolom itu.',
  '`a`.': '`a`.',
  '`b`.': '`b`.',

  // Fields: no-op, read-file, respond
  'The effect class of the step that it stands for.': 'Kelas efek dari langkah yang diwakilinya.',
  'No network, no files. Re-run after a crash; journaled with the next commit.':
    'Tanpa jaringan, tanpa berkas. Dijalankan lagi setelah macet; dicatat bersama simpanan berikutnya.',
  'May be repeated with the same key.': 'Boleh diulang dengan kunci yang sama.',
  'Changes the world: its start is committed before it acts and its result before a successor starts.':
    'Mengubah dunia: awalnya disimpan sebelum bertindak, dan hasilnya sebelum langkah berikutnya mulai.',
  "Which file: an absolute path, `~/…`, or a path in the node's files folder.":
    'Berkas mana: jalur mutlak, `~/…`, atau jalur di folder berkas node.',
  'What becomes of it.': 'Dijadikan apa.',
  'A text in field `text`, up to 1 MB.': 'Teks di kolom `text`, sampai 1 MB.',
  'One item per line, with `line` and `number`.': 'Satu item per baris, dengan `line` dan `number`.',
  'The values of a JSON file; a list gives one item each.':
    'Nilai dari berkas JSON; daftar memberi satu item per elemen.',
  'A file that travels with the item, of any size.': 'Berkas yang menyertai item, berapa pun besarnya.',
  'The name under which the file travels with the item, when it is read as a file.':
    'Nama berkas yang menyertai item, bila dibaca sebagai berkas.',
  'Lines: how many to read at most.': 'Baris: paling banyak berapa yang dibaca.',
  'Lines: which ones, when the file has more.': 'Baris: yang mana, bila berkas punya lebih banyak.',
  'The first ones.': 'Yang pertama.',
  'The last ones.': 'Yang terakhir.',
  'The largest file that is accepted, in bytes.': 'Berkas terbesar yang diterima, dalam byte.',
  'The HTTP status, 200–599.': 'Status HTTP, 200–599.',
  'The body: a text goes out as it is, anything else as JSON. Without it, the first item.':
    'Isinya: teks dikirim apa adanya, lainnya sebagai JSON. Tanpa ini, item pertama.',

  // Fields: borrow
  "Runs a workflow that a friend lends, on the friend's machine.":
    'Menjalankan alur kerja yang dipinjamkan teman, di mesin teman itu.',
  'The workflow, by the name under which it is lent.': 'Alur kerjanya, dengan nama peminjamannya.',
  'Instead of a workflow, a single component that is lent, by its name.':
    'Bukan alur kerja, melainkan satu komponen yang dipinjamkan, dengan namanya.',
  'Whose machine runs it.': 'Mesin milik siapa yang menjalankannya.',
  'What happens when nobody took it by then, or who took it is away for as long.':
    'Yang terjadi bila sampai saat itu tidak ada yang mengambilnya, atau yang mengambilnya menghilang selama itu.',
  'The step fails with the reason. What was taken stays with who took it.':
    'Langkahnya gagal dengan alasannya. Yang sudah diambil tetap pada yang mengambilnya.',
  'You are asked whether somebody else may do it.': 'Anda ditanya apakah orang lain boleh mengerjakannya.',
  'Another friend who lends it does it, and sees the data.':
    'Teman lain yang meminjamkannya mengerjakannya, dan melihat datanya.',
  'This node does it.': 'Node ini mengerjakannya.',
  'Whose, by the name that this node knows them by. Anybody who lends it, when nothing is said.':
    'Milik siapa, dengan nama yang dikenal node ini. Siapa pun yang meminjamkannya, bila tidak disebut.',
  'Which of their engines, when several lend it.': 'Mesin kerja mereka yang mana, bila beberapa meminjamkannya.',
  'How long to wait while nobody can take it: `30s`, `10m`, `2h`.':
    'Berapa lama menunggu selama tidak ada yang bisa mengerjakannya: `30s`, `10m`, `2h`.',
  "A report that Ana's machine makes": 'Laporan yang dibuat mesin Ana',

  // Fields: chat
  "Asks a language model about each item, on this machine or a friend's.":
    'Bertanya kepada model bahasa tentang tiap item, di mesin ini atau di tempat teman.',
  'What the model is asked, for each item.': 'Yang ditanyakan kepada model, untuk tiap item.',
  'What it is told beforehand: who it is, how to answer.':
    'Yang dikatakan kepadanya sebelumnya: siapa ia, bagaimana menjawab.',
  'Whose model it is.': 'Milik siapa modelnya.',
  'One of this node: nothing leaves it.': 'Milik node ini: tidak ada yang keluar darinya.',
  "A friend's.": 'Milik teman.',
  "One of this node where there is one, else a friend's.": 'Milik node ini bila ada, kalau tidak milik teman.',
  'Which friend, by the name that this node knows them by. Anybody who lends one, when nothing is said.':
    'Teman yang mana, dengan nama yang dikenal node ini. Siapa pun yang meminjamkannya, bila tidak disebut.',
  'Which engine, when there are several.': 'Mesin kerja yang mana, bila ada beberapa.',
  "The answer's form: a JSON Schema. The answer is then also a value, in `json`.":
    'Bentuk jawabannya: sebuah JSON Schema. Jawabannya lalu juga berupa nilai, di `json`.',
  'How freely it chooses its words: 0 is the same each time, 1 and more is bolder.':
    'Seberapa bebas ia memilih kata: 0 selalu sama, 1 ke atas lebih berani.',
  'The most tokens that it writes for an item. A token is about four letters of English.':
    'Token terbanyak yang ditulisnya untuk satu item. Satu token kira-kira empat huruf bahasa Inggris.',
  'How many items are asked about at once.': 'Berapa item yang ditanyakan sekaligus.',
  'The mood of a letter, in one word': 'Suasana hati sebuah surat, dalam satu kata',

  // Fields: set, sort, split-out, stop-with-error, sub-preset, switch
  'The fields by name, such as `total` or `customer.city`, and what they become.':
    'Kolom menurut nama, seperti `total` atau `customer.city`, dan menjadi apa.',
  'What happens to the other fields.': 'Yang terjadi pada kolom lain.',
  'They stay.': 'Tetap ada.',
  'They go: only the fields named here are left.': 'Hilang: hanya kolom yang disebut di sini yang tersisa.',
  'Fields to take away.': 'Kolom yang dihapus.',
  'What to sort by: the first key decides, the next one where it is the same.':
    'Diurutkan menurut apa: kunci pertama menentukan, kunci berikutnya bila nilainya sama.',
  'A field such as `customer.name`, or an expression.': 'Kolom seperti `customer.name`, atau ekspresi.',
  'Which way.': 'Ke arah mana.',
  'Smallest first.': 'Terkecil dulu.',
  'Largest first.': 'Terbesar dulu.',
  'How values are compared.': 'Cara nilai dibandingkan.',
  'Numbers by value and before texts, texts by their letters.':
    'Angka menurut nilai dan sebelum teks, teks menurut huruf.',
  'As numbers, also where they are text; what is no number comes last.':
    'Sebagai angka, juga bila berupa teks; yang bukan angka di akhir.',
  'As text, whatever the case of its letters.': 'Sebagai teks, tanpa membedakan huruf besar dan kecil.',
  'As text in which numbers count by value: `file9` before `file10`.':
    'Sebagai teks dengan angka menurut nilainya: `file9` sebelum `file10`.',
  'The field that holds the list, or an expression that gives one.':
    'Kolom yang memuat daftar, atau ekspresi yang memberikannya.',
  'Where each element goes; without it an element that is an object becomes the item itself.':
    'Tempat tiap elemen; tanpa ini elemen berupa objek menjadi item itu sendiri.',
  'Which fields of the item stay beside the element.': 'Kolom item mana yang tetap ada di samping elemen.',
  'None.': 'Tidak ada.',
  'All but the list.': 'Semua kecuali daftarnya.',
  'What the error says.': 'Isi pesan kesalahannya.',
  'A word for programs.': 'Kata untuk program.',
  'The preset, by name. The version that is active when the job starts is run.':
    'Alur kerjanya, menurut nama. Yang dijalankan adalah versi yang aktif saat eksekusi dimulai.',
  "Its variables, where they differ from the preset's own.": 'Variabelnya, yang berbeda dari milik alur kerja itu.',
  'The cases in order; each has an output port of its own.':
    'Kasus-kasusnya, berurutan; masing-masing punya port keluaran sendiri.',
  'The name of its output port: letters, digits, `-` and `_`.': 'Nama port keluarannya: huruf, angka, `-`, dan `_`.',
  'An expression that is true for its items.': 'Ekspresi yang benar untuk item-itemnya.',
  'Where an item goes that meets several cases.': 'Ke mana item yang memenuhi beberapa kasus.',
  'To the first case that fits.': 'Ke kasus pertama yang cocok.',
  'To every case that fits.': 'Ke semua kasus yang cocok.',

  // Fields: wait, webhook, write-file
  'How long, such as `30s`, `5m`, `1h 30m`, `2d`, or a number of milliseconds.':
    'Berapa lama, seperti `30s`, `5m`, `1h 30m`, `2d`, atau angka milidetik.',
  'Until when: an ISO time such as `2030-01-31T08:00:00Z`, or milliseconds since 1970.':
    'Sampai kapan: waktu ISO seperti `2030-01-31T08:00:00Z`, atau milidetik sejak 1970.',
  'Where under `/hooks/` it listens, such as `orders/new`. Every path belongs to one trigger of the node.':
    'Di mana di bawah `/hooks/` ia mendengarkan, seperti `orders/new`. Tiap jalur milik satu pemicu node.',
  'The HTTP method that it answers.': 'Metode HTTP yang dijawabnya.',
  'All of them.': 'Semuanya.',
  'When it answers, and with what.': 'Kapan menjawab, dan dengan apa.',
  "`202` with the job's id, as soon as the job is on disk.":
    '`202` dengan id eksekusi, segera setelah tersimpan di disk.',
  "The items of the job's last steps, when it has ended.":
    'Item dari langkah-langkah terakhir, setelah eksekusi selesai.',
  'What a respond step says.': 'Yang dikatakan langkah jawab.',
  'Who may call it.': 'Siapa yang boleh memanggilnya.',
  'Everybody who reaches the node.': 'Semua yang dapat mencapai node.',
  'Who sends a token of this node for webhooks (role `hook`), or of the role runner or above, as `Authorization: Bearer …`.':
    'Yang mengirim token node ini untuk webhook (peran `hook`), atau berperan runner ke atas, sebagai `Authorization: Bearer …`.',
  'What is written.': 'Yang ditulis.',
  'The text of each item, one file per path.': 'Teks tiap item, satu berkas per jalur.',
  'All items as one JSON list.': 'Semua item sebagai satu daftar JSON.',
  'A line for each item, all in one file.': 'Satu baris untuk tiap item, semuanya dalam satu berkas.',
  'The file that travels with each item.': 'Berkas yang menyertai tiap item.',
  'Text and lines: the text of each item.': 'Teks dan baris: teks tiap item.',
  'File: the name of the file that travels with the item.': 'Berkas: nama berkas yang menyertai item.',
  'What happens when the file is there already.': 'Yang terjadi bila berkasnya sudah ada.',
  'It is replaced, all at once.': 'Diganti, sekaligus.',
  'What is new goes to its end.': 'Yang baru ditambahkan di akhirnya.',
  'That is an error.': 'Itu kesalahan.',
  'Whether folders on the way are made.': 'Apakah folder di jalurnya dibuat.',
};
