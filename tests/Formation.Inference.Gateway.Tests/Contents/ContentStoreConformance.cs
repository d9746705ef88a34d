using System.Text;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Storage;
using Formation.Inference.Testing.Databases;
using Formation.Inference.Testing.Files;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Gateway.Tests.Contents;

/// <summary>What the store of contents promises, on every engine.</summary>
public abstract class ContentStoreConformance(TestDatabase database) : IDisposable
{
    readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 22, 10, 0, 0, TimeSpan.Zero));
    readonly TemporaryDirectory _folder = new();

    ContentStore Open(long maxBytes = 1 << 20) => ContentStore.Open(database.Open(), _folder.Path, _clock, maxBytes);

    static KeptResponse Response(string id, string account = "a", string? previous = null, int length = 10) =>
        new(id, account, previous, Encoding.UTF8.GetBytes($"answer {id}"), Encoding.UTF8.GetBytes(new string('x', length) + id));

    static async Task<string?> AnswerAsync(ContentStore store, string id, string account = "a") =>
        await store.Responses.FindAnswerAsync(account, id, CancellationToken.None) is { } answer ? Encoding.UTF8.GetString(answer) : null;

    static Task KeepAsync(ContentStore store, KeptResponse response, ChainLength before = default) =>
        store.Responses.KeepAsync(response, before, CancellationToken.None);

    long Rows() => database.Open().Query("SELECT count(*) FROM responses", row => row.GetInt64(0)).Single();

    [Fact]
    public async Task What_one_gateway_keeps_another_finds_for_the_same_account_only()
    {
        (ContentStore here, ContentStore there) = (Open(), Open());
        await KeepAsync(here, Response("r1"));
        Assert.Equal("answer r1", await AnswerAsync(there, "r1"));
        Assert.Null(await AnswerAsync(there, "r1", "b"));
        Assert.Null(await AnswerAsync(there, "r2"));
        Assert.Null(await there.Responses.FindLengthAsync("b", "r1", CancellationToken.None));
        Assert.Empty(await there.Responses.FindChainAsync("b", "r1", 9, CancellationToken.None));
        Assert.False(await there.Responses.RemoveAsync("b", "r1", CancellationToken.None));
        Assert.True(await there.Responses.RemoveAsync("a", "r1", CancellationToken.None));
        Assert.Null(await AnswerAsync(here, "r1"));
    }

    [Fact]
    public async Task A_chain_is_given_oldest_first_and_not_longer_than_asked()
    {
        ContentStore store = Open();
        ChainLength length = default;
        for (int i = 0; i < 5; i++)
        {
            await KeepAsync(store, Response($"r{i}", previous: i == 0 ? null : $"r{i - 1}"), length);
            length = (await store.Responses.FindLengthAsync("a", $"r{i}", CancellationToken.None))!.Value;
            Assert.Equal(new ChainLength(i + 1, 12 * (i + 1)), length);
        }

        string[] Ids(IReadOnlyList<byte[]> chain) => [.. chain.Select(items => Encoding.UTF8.GetString(items)[10..])];
        Assert.Equal(["r0", "r1", "r2", "r3", "r4"], Ids(await store.Responses.FindChainAsync("a", "r4", 5, CancellationToken.None)));
        Assert.Equal(["r3", "r4"], Ids(await store.Responses.FindChainAsync("a", "r4", 2, CancellationToken.None)));
        await store.Responses.RemoveAsync("a", "r1", CancellationToken.None);
        Assert.Equal(["r2", "r3", "r4"], Ids(await store.Responses.FindChainAsync("a", "r4", 5, CancellationToken.None)));
    }

    [Fact]
    public async Task What_is_too_old_is_not_found_and_the_sweep_removes_it()
    {
        ContentStore store = Open();
        await KeepAsync(store, Response("old"));
        _clock.Advance(TimeSpan.FromDays(1));
        await KeepAsync(store, Response("new", previous: "old"));
        _clock.Advance(ContentStore.ResponseLifetime - TimeSpan.FromDays(1));
        Assert.Null(await AnswerAsync(store, "old"));
        Assert.Single(await store.Responses.FindChainAsync("a", "new", 9, CancellationToken.None));
        Assert.Equal(2, Rows());
        Assert.Equal(1, await store.SweepAsync(CancellationToken.None));
        Assert.Equal(1, Rows());
        Assert.Equal("answer new", await AnswerAsync(store, "new"));
    }

    [Fact]
    public async Task An_account_that_keeps_too_much_loses_its_oldest_and_no_other_account_s()
    {
        ContentStore store = Open(maxBytes: 4_000);
        await KeepAsync(store, Response("other", "b", length: 900));
        for (int i = 0; i < 6; i++)
        {
            await KeepAsync(store, Response($"r{i}", length: 900));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal([null, null, "answer r2"], [await AnswerAsync(store, "r0"), await AnswerAsync(store, "r1"), await AnswerAsync(store, "r2")]);
        Assert.Equal("answer r5", await AnswerAsync(store, "r5"));
        Assert.Equal("answer other", await AnswerAsync(store, "other", "b"));
    }

    [Fact]
    public async Task Files_have_their_pieces_and_no_more_room_than_the_account()
    {
        FileTable files = Open(maxBytes: 1000).Files;
        await files.BeginAsync("a", "f1", CancellationToken.None);
        Assert.True(await files.HasRoomAsync("a", 1000, CancellationToken.None));
        await files.AddAsync("a", "f1", 0, new byte[600], CancellationToken.None);
        Assert.False(await files.HasRoomAsync("a", 401, CancellationToken.None));
        Assert.True(await files.HasRoomAsync("b", 1000, CancellationToken.None));
        Assert.Null(await files.FindAsync("a", "f1", CancellationToken.None));
        await files.AddAsync("a", "f1", 1, "end"u8.ToArray(), CancellationToken.None);
        KeptFile file = await files.EndAsync("a", "f1", "batch", "n", 603, TimeSpan.FromHours(1), isHidden: false, CancellationToken.None);
        Assert.Equal(file, await files.FindAsync("a", "f1", CancellationToken.None));
        Assert.Equal([file], await files.ListAsync("a", "batch", null, true, 9, CancellationToken.None));
        Assert.Empty(await files.ListAsync("a", "batch", file, true, 9, CancellationToken.None));
        var parts = new List<int>();
        await foreach (byte[] part in files.ReadAsync(file, CancellationToken.None))
            parts.Add(part.Length);
        Assert.Equal([600, 3], parts);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(await files.FindAsync("a", "f1", CancellationToken.None));
        Assert.Equal(1, await files.SweepAsync(CancellationToken.None));
        Assert.Equal(0, database.Open().Query("SELECT count(*) FROM file_parts", row => row.GetInt64(0)).Single());
    }

    [Fact]
    public async Task An_upload_that_never_ended_is_swept()
    {
        FileTable files = Open().Files;
        await files.BeginAsync("a", "f1", CancellationToken.None);
        await files.AddAsync("a", "f1", 0, new byte[6], CancellationToken.None);
        Assert.Equal(0, await files.SweepAsync(CancellationToken.None));
        _clock.Advance(TimeSpan.FromHours(6));
        Assert.Equal(1, await files.SweepAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_batch_is_held_by_one_and_what_its_lines_became_is_kept_once()
    {
        (BatchTable here, BatchTable there) = (Open().Batches, Open().Batches);
        KeptBatch Batch(string id, string account) => new(id, account, "one", _clock.GetUtcNow(), null, "{}"u8.ToArray());
        Assert.True(await here.TryAddAsync(Batch("b1", "a"), CancellationToken.None));
        Assert.True(await here.TryAddAsync(Batch("b2", "b"), CancellationToken.None));
        Assert.Equal("b1", (await here.TryHoldAsync("here", new HashSet<string>(), CancellationToken.None))!.Id);
        Assert.Null(await there.TryHoldAsync("there", new HashSet<string> { "b" }, CancellationToken.None));
        Assert.Equal("b2", (await there.TryHoldAsync("there", new HashSet<string>(), CancellationToken.None))!.Id);
        Assert.True(await here.HoldOnAsync("here", "b1", CancellationToken.None));
        Assert.False(await there.HoldOnAsync("there", "b1", CancellationToken.None));
        Assert.False(await there.UpdateAsync("there", Batch("b1", "a"), isOpen: false, CancellationToken.None));

        await here.AddResultAsync(Batch("b1", "a"), new BatchResult(7, true, "first"u8.ToArray()), CancellationToken.None);
        await there.AddResultAsync(Batch("b1", "a"), new BatchResult(7, false, "second"u8.ToArray()), CancellationToken.None);
        await here.AddResultAsync(Batch("b1", "a"), new BatchResult(2, false, "other"u8.ToArray()), CancellationToken.None);
        Assert.Equal([2, 7], (await here.FindDoneAsync("b1", CancellationToken.None)).Order());
        Assert.Equal((1, 1), await there.CountAsync("b1", CancellationToken.None));
        Assert.Equal(
            ["other", "first"], (await there.FindResultsAsync(Batch("b1", "a"), 0, 9, CancellationToken.None)).Select(result => Encoding.UTF8.GetString(result.Content)));
        Assert.Equal(7, Assert.Single(await there.FindResultsAsync(Batch("b1", "a"), 2, 9, CancellationToken.None)).Line);

        Assert.False(await there.CancelAsync("b", "b1", CancellationToken.None));
        Assert.True(await there.CancelAsync("a", "b1", CancellationToken.None));
        Assert.NotNull((await here.FindAsync("a", "b1", CancellationToken.None))!.Cancelled);
        Assert.Null(await here.FindAsync("b", "b1", CancellationToken.None));
        await here.ReleaseAsync("here", "b1", CancellationToken.None);
        Assert.Equal("b1", (await there.TryHoldAsync("there", new HashSet<string>(), CancellationToken.None))!.Id);
        Assert.True(await there.UpdateAsync("there", Batch("b1", "a"), isOpen: false, CancellationToken.None));
        Assert.False(await there.CancelAsync("a", "b1", CancellationToken.None));
        Assert.Equal("b1", Assert.Single(await here.ListAsync("a", "one", null, isNewer: false, 9, CancellationToken.None)).Id);

        _clock.Advance(TimeSpan.FromDays(30));
        Assert.Equal(2, await here.SweepAsync(CancellationToken.None));
        Assert.Empty(await here.FindDoneAsync("b1", CancellationToken.None));
    }

    [Fact]
    public async Task An_account_has_so_many_batches_in_work_and_no_more()
    {
        BatchTable batches = Open().Batches;
        for (int i = 0; i < BatchTable.MaxOpen; i++)
            Assert.True(await batches.TryAddAsync(new KeptBatch($"b{i}", "a", "one", _clock.GetUtcNow(), null, []), CancellationToken.None));
        Assert.False(await batches.TryAddAsync(new KeptBatch("more", "a", "one", _clock.GetUtcNow(), null, []), CancellationToken.None));
        Assert.True(await batches.TryAddAsync(new KeptBatch("other", "b", "one", _clock.GetUtcNow(), null, []), CancellationToken.None));
    }

    [Fact]
    public async Task Chat_completions_are_found_by_their_account_their_model_and_their_metadata_and_the_oldest_go_first()
    {
        CompletionTable table = Open(maxBytes: 1500).Completions;
        KeptCompletion Completion(string id, string model, string metadata) =>
            new(id, "a", model, _clock.GetUtcNow(), Encoding.UTF8.GetBytes(metadata), "{\"id\":\"x\"}"u8.ToArray());
        var made = new List<KeptCompletion>();
        foreach ((string id, string model, string metadata) in ((string, string, string)[])[("c1", "m", """{"k":"v"}"""), ("c2", "n", "{}"), ("c3", "m", """{"k":"v","l":"%"}""")])
        {
            made.Add(Completion(id, model, metadata));
            await table.KeepAsync(made[^1], "[]"u8.ToArray(), CancellationToken.None);
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        async Task<string> ListAsync(string? model, KeptCompletion? after, bool isAscending, params (string, string)[] metadata) => string.Join(
            ' ', (await table.ListAsync("a", model, metadata, after, isAscending, 9, CancellationToken.None)).Select(completion => completion.Id));
        Assert.Equal("c1 c2 c3", await ListAsync(null, null, true));
        Assert.Equal("c2 c1", await ListAsync(null, made[2], false));
        Assert.Equal("c3 c1", await ListAsync("m", null, false));
        Assert.Equal("c1 c3", await ListAsync(null, null, true, ("k", "v")));
        Assert.Equal("c3", await ListAsync(null, null, true, ("k", "v"), ("l", "%")));
        Assert.Equal("", await ListAsync(null, null, true, ("k", "%")));
        Assert.Empty(await table.ListAsync("b", null, [("k", "v")], null, true, 9, CancellationToken.None));
        Assert.Equal("[]"u8.ToArray(), await table.FindMessagesAsync("a", "c1", CancellationToken.None));
        Assert.True(await table.NoteAsync("a", "c2", """{"k":"v"}"""u8.ToArray(), CancellationToken.None));
        Assert.False(await table.NoteAsync("b", "c2", "{}"u8.ToArray(), CancellationToken.None));
        Assert.Equal("c1 c2 c3", await ListAsync(null, null, true, ("k", "v")));

        await table.KeepAsync(Completion("c4", "m", "{}") with { Answer = new byte[1200] }, "[]"u8.ToArray(), CancellationToken.None);
        Assert.Equal("c3 c4", await ListAsync(null, null, true));
        Assert.True(await table.RemoveAsync("a", "c4", CancellationToken.None));
        _clock.Advance(ContentStore.ResponseLifetime);
        Assert.Equal("", await ListAsync(null, null, true));
        Assert.Equal(1, await table.SweepAsync(CancellationToken.None));
    }

    [Fact]
    public async Task An_open_response_is_held_by_one_until_it_ends_and_by_another_when_that_one_is_lost()
    {
        (ContentStore here, ContentStore there) = (Open(), Open());
        Assert.True(await here.OpenResponses.TryAddAsync("here", Response("r1"), default, "ask"u8.ToArray(), CancellationToken.None));
        Assert.Equal(ResponseState.Open, await there.Responses.FindStateAsync("a", "r1", CancellationToken.None));
        Assert.Null(await there.Responses.FindStateAsync("b", "r1", CancellationToken.None));
        Assert.Null(await there.OpenResponses.TryHoldAsync("there", CancellationToken.None));
        Assert.Equal(["r1"], await here.OpenResponses.HoldOnAsync("here", ["r1", "r2"], CancellationToken.None));
        Assert.Empty(await there.OpenResponses.HoldOnAsync("there", ["r1"], CancellationToken.None));
        Assert.False(await there.Responses.UpdateAsync(Response("r1"), default, ResponseState.Answered, "there", CancellationToken.None));

        await here.OpenResponses.ReleaseAsync("here", CancellationToken.None);
        OpenResponse held = (await there.OpenResponses.TryHoldAsync("there", CancellationToken.None))!;
        Assert.Equal(new OpenResponse("r1", "a", 1), held);
        Assert.Equal("ask"u8.ToArray(), await there.OpenResponses.FindRequestAsync(held, CancellationToken.None));
        Assert.Empty(await here.OpenResponses.HoldOnAsync("here", ["r1"], CancellationToken.None));
        Assert.False(await here.ResponseEvents.TryAddAsync("here", "a", "r1", new KeptEvents(0, "0\n"u8.ToArray()), CancellationToken.None));

        // Whoever ends it first has ended it.
        Assert.True(await there.Responses.UpdateAsync(Response("r1", length: 20), default, ResponseState.Answered, "there", CancellationToken.None));
        Assert.False(await here.Responses.EndUnansweredAsync("a", "r1", "late"u8.ToArray(), CancellationToken.None));
        Assert.Equal("answer r1", await AnswerAsync(here, "r1"));
        Assert.Equal(new ChainLength(1, 22), await here.Responses.FindLengthAsync("a", "r1", CancellationToken.None));
        Assert.Empty(await there.OpenResponses.HoldOnAsync("there", ["r1"], CancellationToken.None));
        await there.OpenResponses.RemoveAsync("r1", CancellationToken.None);
        Assert.Null(await here.OpenResponses.FindRequestAsync(held, CancellationToken.None));
    }

    [Fact]
    public async Task Events_are_found_by_their_numbers_and_go_an_hour_behind_the_end()
    {
        ContentStore store = Open();
        await store.OpenResponses.TryAddAsync("here", Response("r1"), default, [], CancellationToken.None);
        Assert.Equal(0, await store.ResponseEvents.FindNextAsync("a", "r1", CancellationToken.None));
        foreach ((int first, string content) in new[] { (0, "0\n1\n"), (2, "2\n"), (3, "3\n4\n5\n") })
            Assert.True(await store.ResponseEvents.TryAddAsync("here", "a", "r1", new KeptEvents(first, Encoding.UTF8.GetBytes(content)), CancellationToken.None));
        Assert.Equal(6, await store.ResponseEvents.FindNextAsync("a", "r1", CancellationToken.None));
        int[] firsts = [0, 0, 2, 3, 3, 3];
        for (int i = 0; i < firsts.Length; i++)
            Assert.Equal(firsts[i], (await store.ResponseEvents.FindAsync("a", "r1", i, CancellationToken.None))!.First);
        Assert.Null(await store.ResponseEvents.FindAsync("a", "r1", 6, CancellationToken.None));
        Assert.Null(await store.ResponseEvents.FindAsync("a", "r2", 0, CancellationToken.None));
        Assert.Equal("3\n4\n5\n"u8.ToArray(), (await store.ResponseEvents.FindAsync("a", "r1", 4, CancellationToken.None))!.Content);

        Assert.True(await store.Responses.EndUnansweredAsync("a", "r1", "ended"u8.ToArray(), CancellationToken.None));
        Assert.False(await store.ResponseEvents.TryAddAsync("here", "a", "r1", new KeptEvents(6, "6\n"u8.ToArray()), CancellationToken.None));
        await store.ResponseEvents.EndAsync("r1", CancellationToken.None);
        _clock.Advance(ResponseEventTable.Lifetime);
        Assert.Null(await store.ResponseEvents.FindAsync("a", "r1", 0, CancellationToken.None));
        Assert.Equal(3, await store.SweepAsync(CancellationToken.None));
        Assert.Equal("ended", await AnswerAsync(store, "r1"));
    }

    [Fact]
    public async Task Nothing_of_the_text_is_in_the_database_and_the_same_text_twice_is_not_the_same()
    {
        ContentStore store = Open();
        await KeepAsync(store, Response("r1") with { Answer = "CANARY"u8.ToArray(), Items = "CANARY"u8.ToArray() });
        await KeepAsync(store, Response("r2") with { Answer = "CANARY"u8.ToArray(), Items = "CANARY"u8.ToArray() });
        byte[][] cells = [.. database.Open()
            .Query("SELECT answer, items FROM responses", row => (byte[][])[row.GetFieldValue<byte[]>(0), row.GetFieldValue<byte[]>(1)])
            .SelectMany(row => row)];
        Assert.Equal(4, cells.Select(Convert.ToHexString).Distinct().Count());
        Assert.All(cells, cell => Assert.True(cell.AsSpan().IndexOf("CANARY"u8) < 0));
    }

    [Fact]
    public async Task A_row_that_was_moved_or_changed_is_not_believed()
    {
        ContentStore store = Open();
        await KeepAsync(store, Response("r1"));
        Database rows = database.Open();
        rows.Execute("UPDATE responses SET account_id = 'b'");
        await Assert.ThrowsAsync<InvalidDataException>(() => AnswerAsync(store, "r1", "b"));
        rows.Execute("UPDATE responses SET account_id = 'a', answer = items");
        await Assert.ThrowsAsync<InvalidDataException>(() => AnswerAsync(store, "r1"));
        rows.Execute("UPDATE responses SET answer = @bytes", ("@bytes", new byte[5]));
        await Assert.ThrowsAsync<InvalidDataException>(() => AnswerAsync(store, "r1"));
    }

    [Fact]
    public async Task A_store_whose_pepper_is_missing_or_another_one_does_not_open()
    {
        await KeepAsync(Open(), Response("r1"));
        using var other = new TemporaryDirectory();
        Assert.Contains("missing", Assert.Throws<InvalidDataException>(() => ContentStore.Open(database.Open(), other.Path, _clock)).Message);
        File.WriteAllBytes(other.File("accounts.pepper"), new byte[32]);
        Assert.Contains("another one", Assert.Throws<InvalidDataException>(() => ContentStore.Open(database.Open(), other.Path, _clock)).Message);
    }

    public void Dispose()
    {
        database.Dispose();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }
}

public sealed class ContentStoreOnSqliteTests() : ContentStoreConformance(new SqliteTestDatabase());

public sealed class ContentStoreOnPostgresTests(PostgresServer server) : ContentStoreConformance(server.CreateDatabase());
