using Formation.Inference.Accounts.Keys;
using Formation.Inference.Storage;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Accounts.Tests.Keys;

/// <summary>Keys while PostgreSQL does not answer.</summary>
public sealed class OutageTests : IDisposable
{
    readonly PostgresServer _server = new();
    readonly KeyDirectory _directory;
    readonly ApiKeyStore _store;

    public OutageTests()
    {
        _directory = new KeyDirectory(_server.CreateDatabase());
        _store = _directory.Open();
    }

    [Fact]
    public async Task A_key_that_was_read_stays_accepted_for_five_minutes_and_all_others_are_an_error_until_the_database_is_back()
    {
        NewApiKey known = await _store.CreateAsync("known", "acct", KeyScopes.Chat);
        NewApiKey unknown = await _store.CreateAsync("unknown", "acct", KeyScopes.Chat);
        NewApiKey revoked = await _store.CreateAsync("revoked", "acct", KeyScopes.Chat);
        await _store.RevokeAsync(revoked.Key.Id);
        Assert.NotNull(await _store.VerifyAsync(known.Plaintext.Value));
        Assert.Null(await _store.VerifyAsync(revoked.Plaintext.Value));
        _store.AddOperatorKey("an-operators-own-key");

        _server.Stop();
        _directory.Clock.Advance(ApiKeyStore.RevocationDelay);
        Assert.NotNull(await _store.VerifyAsync(known.Plaintext.Value));
        Assert.Null(await _store.VerifyAsync(revoked.Plaintext.Value));
        Assert.Null(await _store.VerifyAsync("no key at all"));
        Assert.NotNull(await _store.VerifyAsync("an-operators-own-key"));
        await Assert.ThrowsAsync<StorageException>(() => _store.VerifyAsync(unknown.Plaintext.Value).AsTask());
        await Assert.ThrowsAsync<StorageException>(() => _store.VerifyAsync(ApiKeyFormat.Create().Text).AsTask());

        _directory.Clock.Advance(ApiKeyStore.OutageTolerance - ApiKeyStore.RevocationDelay - TimeSpan.FromTicks(1));
        Assert.NotNull(await _store.VerifyAsync(known.Plaintext.Value));
        _directory.Clock.Advance(TimeSpan.FromTicks(1));
        await Assert.ThrowsAsync<StorageException>(() => _store.VerifyAsync(known.Plaintext.Value).AsTask());

        _server.StartAgain();
        await Eventually.TrueAsync(() => IsAcceptedAsync(known));
        await Eventually.TrueAsync(() => IsAcceptedAsync(unknown));
        Assert.Null(await _store.VerifyAsync(revoked.Plaintext.Value));
        Assert.Null(await _store.VerifyAsync(ApiKeyFormat.Create().Text));
    }

    [Fact]
    public async Task A_new_day_during_an_outage_takes_no_key_away()
    {
        NewApiKey key = await _store.CreateAsync("key", "acct", KeyScopes.Chat);
        Assert.NotNull(await _store.VerifyAsync(key.Plaintext.Value));

        _server.Stop();
        // The clock of these tests begins a minute before midnight.
        _directory.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.NotNull(await _store.VerifyAsync(key.Plaintext.Value));

        _server.StartAgain();
        await Eventually.TrueAsync(async () =>
            await IsAcceptedAsync(key) && (await _store.ListAsync()).Single().LastUsed == new DateOnly(2026, 5, 2));
    }

    public void Dispose()
    {
        _directory.Dispose();
        _server.Dispose();
    }

    // After a failure the store asks again in a second of its clock.
    async Task<bool> IsAcceptedAsync(NewApiKey key)
    {
        _directory.Clock.Advance(TimeSpan.FromSeconds(6));
        try
        {
            return await _store.VerifyAsync(key.Plaintext.Value) is not null;
        }
        catch (StorageException)
        {
            return false;
        }
    }
}
