using Formation.Inference.Accounts.Keys;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Accounts.Tests.Keys;

/// <summary>What the store of keys promises, on every engine.</summary>
public abstract class ApiKeyStoreConformance
{
    [Fact]
    public async Task The_first_start_makes_one_administrators_key_and_shows_it_once()
    {
        using KeyDirectory directory = Create();
        NewApiKey? first = await directory.Open().EnsureAdministratorKeyAsync();
        Assert.NotNull(first);
        Assert.Equal(KeyScopes.Administrator, first.Key.Scopes);
        Assert.Equal("administrator", first.Key.AccountId);
        Assert.Equal(directory.Clock.GetUtcNow(), first.Key.Created);

        Assert.Null(await directory.Open().EnsureAdministratorKeyAsync());
        ApiKey? verified = await directory.Open().VerifyAsync(first.Plaintext.Value);
        Assert.Equal(first.Key.Id, verified?.Id);
    }

    [Fact]
    public async Task Of_servers_that_start_together_one_makes_the_key()
    {
        using KeyDirectory directory = Create();
        IReadOnlyList<NewApiKey?> keys = await Contention.RunAsync(8, directory.Open, (store, _) => store.EnsureAdministratorKeyAsync().Result);
        NewApiKey key = Assert.Single(keys, made => made is not null)!;
        Assert.NotNull(await directory.Open().VerifyAsync(key.Plaintext.Value));
    }

    [Fact]
    public async Task A_wrong_secret_under_a_known_id_is_refused()
    {
        using KeyDirectory directory = Create();
        ApiKeyStore store = directory.Open();
        NewApiKey key = await store.CreateAsync("a", "acct", KeyScopes.Chat);
        (_, string other) = ApiKeyFormat.Create();
        Assert.Null(await store.VerifyAsync(other));
        Assert.Null(await store.VerifyAsync(key.Plaintext.Value[..18] + other[18..]));
        Assert.Null(await store.VerifyAsync(""));
        Assert.Null(await store.VerifyAsync(new string('x', 100_000)));
        Assert.NotNull(await store.VerifyAsync(key.Plaintext.Value));
    }

    [Fact]
    public async Task A_missing_or_damaged_pepper_is_an_error_that_says_what_to_do()
    {
        using KeyDirectory directory = Create();
        await directory.Open().EnsureAdministratorKeyAsync();
        File.WriteAllBytes(directory.Pepper, new byte[7]);
        Assert.Contains("7 bytes instead of 32", Assert.Throws<InvalidDataException>(directory.Open).Message);
        File.Delete(directory.Pepper);
        Assert.Contains("Restore it", Assert.Throws<InvalidDataException>(directory.Open).Message);
        Assert.False(File.Exists(directory.Pepper));
    }

    [Fact]
    public async Task A_revoked_key_is_refused_at_once_here_and_within_five_seconds_elsewhere()
    {
        using KeyDirectory directory = Create();
        ApiKeyStore here = directory.Open(), elsewhere = directory.Open();
        NewApiKey key = await here.CreateAsync("a", "acct", KeyScopes.Chat);
        Assert.NotNull(await elsewhere.VerifyAsync(key.Plaintext.Value));

        Assert.True(await here.RevokeAsync(key.Key.Id));
        Assert.Null(await here.VerifyAsync(key.Plaintext.Value));
        directory.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Null(await elsewhere.VerifyAsync(key.Plaintext.Value));
        Assert.False(await here.RevokeAsync("unknown"));
    }

    [Fact]
    public async Task A_second_revocation_leaves_the_time_of_the_first()
    {
        using KeyDirectory directory = Create();
        ApiKeyStore store = directory.Open();
        NewApiKey key = await store.CreateAsync("a", "acct", KeyScopes.Chat);
        DateTimeOffset first = directory.Clock.GetUtcNow();
        await store.RevokeAsync(key.Key.Id);
        directory.Clock.Advance(TimeSpan.FromDays(1));
        Assert.True(await store.RevokeAsync(key.Key.Id));
        Assert.Equal(first, Assert.Single(await store.ListAsync()).Revoked);
    }

    [Fact]
    public async Task A_key_expires_on_the_tick()
    {
        using KeyDirectory directory = Create();
        ApiKeyStore store = directory.Open();
        NewApiKey key = await store.CreateAsync("a", "acct", KeyScopes.Chat, directory.Clock.GetUtcNow().AddSeconds(2));
        directory.Clock.Advance(TimeSpan.FromSeconds(2) - TimeSpan.FromTicks(1));
        Assert.NotNull(await store.VerifyAsync(key.Plaintext.Value));
        directory.Clock.Advance(TimeSpan.FromTicks(1));
        Assert.Null(await store.VerifyAsync(key.Plaintext.Value));
    }

    [Fact]
    public async Task Keys_are_listed_oldest_first_with_the_day_of_their_last_use()
    {
        using KeyDirectory directory = Create();
        ApiKeyStore store = directory.Open();
        NewApiKey older = await store.CreateAsync("older", "acct", KeyScopes.Chat | KeyScopes.ModelsRead);
        directory.Clock.Advance(TimeSpan.FromSeconds(1));
        await store.CreateAsync("newer", "acct", KeyScopes.None);
        await store.VerifyAsync(older.Plaintext.Value);
        directory.Clock.Advance(TimeSpan.FromMinutes(2));
        await store.VerifyAsync(older.Plaintext.Value);

        IReadOnlyList<ApiKey> keys = await directory.Open().ListAsync();
        Assert.Equal(["older", "newer"], keys.Select(key => key.Name));
        Assert.Equal([new DateOnly(2026, 5, 2), null], keys.Select(key => key.LastUsed));
        Assert.Equal(KeyScopes.Chat | KeyScopes.ModelsRead, keys[0].Scopes);
        Assert.Equal(older.Key.Display, keys[0].Display);
    }

    [Fact]
    public async Task An_operators_own_key_is_accepted_and_not_stored()
    {
        using KeyDirectory directory = Create();
        ApiKeyStore store = directory.Open();
        store.AddOperatorKey("my-own-operator-key");
        ApiKey? key = await store.VerifyAsync("my-own-operator-key");
        Assert.Equal(KeyScopes.Administrator, key?.Scopes);
        Assert.Equal("my-o…", key?.Display);
        Assert.Null(await store.VerifyAsync("my-own-operator-kez"));
        Assert.Empty(await store.ListAsync());
        Assert.Null(await directory.Open().VerifyAsync("my-own-operator-key"));
        Assert.NotNull(await store.EnsureAdministratorKeyAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("has spaces in the middle")]
    [InlineData("zeilenumbruch-am-ende\n")]
    [InlineData("mit-umlaut-äöü-0123456789")]
    public void An_operators_key_that_no_header_can_carry_is_refused(string key)
    {
        using KeyDirectory directory = Create();
        var exception = Assert.Throws<ArgumentException>(() => directory.Open().AddOperatorKey(key));
        Assert.Contains($"has {key.Length} characters", exception.Message);
    }

    [Fact]
    public async Task A_short_operators_key_works_and_shows_nothing_of_itself()
    {
        using KeyDirectory directory = Create();
        ApiKeyStore store = directory.Open();
        store.AddOperatorKey("abc");
        Assert.Equal("…", (await store.VerifyAsync("abc"))?.Display);
    }

    [Theory]
    [InlineData("'; DROP TABLE api_keys; --")]
    [InlineData("名前 🙂")]
    public async Task Any_name_is_only_a_name(string name)
    {
        using KeyDirectory directory = Create();
        ApiKeyStore store = directory.Open();
        await store.CreateAsync(name, "acct", KeyScopes.Chat);
        Assert.Equal(name, Assert.Single(await store.ListAsync()).Name);
    }

    [Fact]
    public async Task Many_callers_at_once_are_served()
    {
        using KeyDirectory directory = Create();
        ApiKeyStore store = directory.Open();
        NewApiKey[] keys = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => store.CreateAsync($"{i}", "acct", KeyScopes.Chat))));
        bool[] accepted = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(async () =>
            (await store.VerifyAsync(keys[i % 16].Plaintext.Value))?.Id == keys[i % 16].Key.Id)));
        Assert.DoesNotContain(false, accepted);
    }

    [Fact]
    public async Task A_pepper_that_the_keys_do_not_depend_on_is_refused_with_the_place_of_theirs()
    {
        using KeyDirectory directory = Create();
        NewApiKey key = (await directory.Open().EnsureAdministratorKeyAsync())!;
        byte[] pepper = File.ReadAllBytes(directory.Pepper);
        File.WriteAllBytes(directory.Pepper, [(byte)(pepper[0] ^ 1), .. pepper[1..]]);
        string message = Assert.Throws<InvalidDataException>(directory.Open).Message;
        Assert.Contains(directory.Pepper, message);
        Assert.Contains($"{Environment.MachineName}:", message);
        File.WriteAllBytes(directory.Pepper, pepper);
        Assert.NotNull(await directory.Open().VerifyAsync(key.Plaintext.Value));
    }

    [Fact]
    public async Task Keys_that_were_stored_without_a_word_of_their_pepper_stay_good_and_keep_it_from_then_on()
    {
        using KeyDirectory directory = Create();
        NewApiKey key = (await directory.Open().EnsureAdministratorKeyAsync())!;
        directory.Execute("DELETE FROM key_pepper");
        Assert.NotNull(await directory.Open().VerifyAsync(key.Plaintext.Value));
        Assert.Null(await directory.Open().EnsureAdministratorKeyAsync());
        File.WriteAllBytes(directory.Pepper, new byte[32]);
        Assert.Throws<InvalidDataException>(directory.Open);
    }

    [Fact]
    public async Task Of_servers_with_peppers_of_their_own_only_that_which_made_the_first_key_starts()
    {
        using KeyDirectory directory = Create();
        ApiKeyStore here = directory.Open(), there = directory.OpenElsewhere();
        Assert.NotNull(await here.EnsureAdministratorKeyAsync());
        Assert.Contains(directory.Pepper, (await Assert.ThrowsAsync<InvalidDataException>(() => there.EnsureAdministratorKeyAsync())).Message);
        Assert.Throws<InvalidDataException>(directory.OpenElsewhere);
    }

    internal abstract KeyDirectory Create();
}

public sealed class ApiKeyStoreOnPostgresTests(PostgresServer server) : ApiKeyStoreConformance
{
    internal override KeyDirectory Create() => new(server.CreateDatabase());
}
