using System.Collections.Concurrent;
using System.Security.Cryptography;
using Formation.Inference.Storage;

namespace Formation.Inference.Accounts.Keys;

/// <summary>
/// The keys of this server: makes, checks, lists and revokes them. Only a keyed hash of a key is stored. Safe to call from any thread.
/// </summary>
public sealed class ApiKeyStore
{
    /// <summary>The account that the first key and the operator's own keys belong to.</summary>
    public const string AdministratorAccountId = "administrator";

    /// <summary>How long a key may stay accepted after it was revoked through another process.</summary>
    public static readonly TimeSpan RevocationDelay = TimeSpan.FromSeconds(5);

    /// <summary>How long a key stays accepted that was read before the database failed.</summary>
    public static readonly TimeSpan OutageTolerance = TimeSpan.FromMinutes(5);

    /// <summary>A key of the operator's own choice with fewer characters may be guessed.</summary>
    public const int StrongKeyLength = 16;

    const int MaxCachedKeys = 10_000;
    static readonly TimeSpan OutagePause = TimeSpan.FromSeconds(1);
    static readonly byte[] UnknownKeyHash = new byte[HMACSHA256.HashSizeInBytes];

    readonly ApiKeyTable _table;
    readonly KeyPepper _pepper;
    readonly TimeProvider _clock;
    readonly ConcurrentDictionary<string, CachedKey> _cache = new(StringComparer.Ordinal);
    readonly List<(ApiKey Key, byte[] Hash)> _operatorKeys = [];
    volatile Outage? _outage;

    ApiKeyStore(ApiKeyTable table, KeyPepper pepper, TimeProvider clock)
    {
        _table = table;
        _pepper = pepper;
        _clock = clock;
    }

    /// <summary>
    /// Opens the store in a database, which stays the caller's, and with the <c>accounts.pepper</c> of a data directory, which is made (mode 600)
    /// where it is missing.
    /// </summary>
    /// <exception cref="InvalidDataException">The pepper is missing though keys exist, is another one than they depend on, or is damaged.</exception>
    /// <exception cref="IOException">The directory can't be written.</exception>
    /// <exception cref="StorageException">The database fails.</exception>
    public static ApiKeyStore Open(Database database, string dataDirectory, TimeProvider clock)
    {
        PrivateFile.CreateDirectory(dataDirectory);
        var table = new ApiKeyTable(database);
        string path = Path.Combine(dataDirectory, "accounts.pepper");
        bool hasKeys = !table.IsEmpty();
        PepperProof? stored = table.FindPepper();
        KeyPepper pepper = KeyPepper.LoadOrCreate(path, mayCreate: !hasKeys && stored is null, stored?.Origin);
        if (hasKeys && stored is null)
        {
            // Keys that were made before the database knew their pepper depend on the one that is here.
            table.TryKeepPepper(pepper.Proof);
            stored = table.FindPepper();
        }

        pepper.CheckAgainst(stored);
        return new ApiKeyStore(table, pepper, clock);
    }

    /// <summary>
    /// Makes an administrator's key where the store holds no key yet. Returns it then, for the only time it can be shown; else null. Of
    /// several servers that start on one database at once, one makes the key.
    /// </summary>
    /// <exception cref="InvalidDataException">Another server made the first key meanwhile, with another pepper.</exception>
    /// <exception cref="StorageException">The database fails.</exception>
    public Task<NewApiKey?> EnsureAdministratorKeyAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        NewApiKey? key = _table.IsEmpty()
            ? Add("administrator", AdministratorAccountId, KeyScopes.Administrator, expires: null, onlyIfFirst: true)
            : null;
        if (key is null)
            _pepper.CheckAgainst(_table.FindPepper());
        return Task.FromResult(key);
    }

    /// <summary>
    /// Accepts a key of the operator's own choice as an administrator's, for as long as this process runs: it is not stored, so that taking
    /// it
    /// out of the configuration takes it out of use. Call before serving.
    /// </summary>
    /// <exception cref="ArgumentException">The key is empty, longer than 512 characters, or could not stand in an HTTP header.</exception>
    public void AddOperatorKey(string key)
    {
        if (key.Length is 0 or > 512 || !key.All(c => c is > ' ' and <= '~'))
            throw new ArgumentException(
                $"The API key given has {key.Length} characters; use 1 to 512 visible ASCII characters without spaces, for instance from "
                + "`openssl rand -hex 32`.",
                nameof(key));
        string id = $"operator{_operatorKeys.Count + 1}";
        string display = key.Length >= StrongKeyLength ? $"{key[..4]}…" : "…";
        var known = new ApiKey(id, "operator's key", AdministratorAccountId, KeyScopes.Administrator, display, _clock.GetUtcNow());
        _operatorKeys.Add((known, _pepper.Hash(key)));
    }

    /// <summary>Makes a key.</summary>
    /// <param name="name">What its owner calls it, 1 to 100 characters.</param>
    /// <param name="accountId">The account that it acts for.</param>
    /// <param name="scopes">What it may be used for.</param>
    /// <param name="expires">From when on it is refused, or null.</param>
    public Task<NewApiKey> CreateAsync(
        string name, string accountId, KeyScopes scopes, DateTimeOffset? expires = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, 100);
        ArgumentException.ThrowIfNullOrWhiteSpace(accountId);
        return Task.FromResult(Add(name, accountId, scopes, expires, onlyIfFirst: false)!);
    }

    /// <summary>All stored keys, oldest first; operator keys are not among them.</summary>
    public Task<IReadOnlyList<ApiKey>> ListAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(_table.List());
    }

    /// <summary>
    /// Revokes a key: at once in this process, within <see cref="RevocationDelay"/> in others. False where there is no such key.
    /// </summary>
    public Task<bool> RevokeAsync(string id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool found = _table.Revoke(id, _clock.GetUtcNow());
        _cache.TryRemove(id, out _);
        return Task.FromResult(found);
    }

    /// <summary>
    /// The key with this text where it is valid now, else null. Malformed, unknown, wrong, revoked and expired keys can't be told apart by
    /// the answer. While the database fails, a key stays as it was last read for <see cref="OutageTolerance"/>.
    /// </summary>
    /// <exception cref="StorageException">The database fails, and nobody can say whether the key is valid.</exception>
    public async ValueTask<ApiKey?> VerifyAsync(string presented, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        byte[] hash = _pepper.Hash(presented);
        if (FindOperatorKey(hash) is { } operatorKey)
            return operatorKey;
        if (ApiKeyFormat.TryGetId(presented) is not { } id)
            return null;
        DateTimeOffset now = _clock.GetUtcNow();
        CachedKey? known = await FindAsync(id, now, cancellationToken);

        // The comparison runs for an unknown id too, so that its answer takes no other path than a wrong secret's.
        bool equal = CryptographicOperations.FixedTimeEquals(hash, known?.Hash ?? UnknownKeyHash);
        if (known is null || !equal || !known.Key.IsValidAt(now))
            return null;
        await RecordUseAsync(known, now, cancellationToken);
        return known.Key;
    }

    ApiKey? FindOperatorKey(byte[] hash)
    {
        ApiKey? match = null;
        foreach ((ApiKey key, byte[] operatorHash) in _operatorKeys)
            if (CryptographicOperations.FixedTimeEquals(hash, operatorHash))
                match = key;
        return match;
    }

    async ValueTask<CachedKey?> FindAsync(string id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        CachedKey? cached = _cache.GetValueOrDefault(id);
        if (cached is not null && cached.IsNewerThan(RevocationDelay, now))
            return cached;
        try
        {
            return Keep(id, await LoadAsync(id, now, cancellationToken), now);
        }
        catch (StorageException) when (cached is not null && cached.IsNewerThan(OutageTolerance, now))
        {
            return cached;
        }
    }

    // Whoever comes right after a failure does not wait for the next one: many would, each for as long as a connection takes to fail.
    async Task<(ApiKey Key, byte[] Hash)?> LoadAsync(string id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (_outage is { } outage && now - outage.Time < OutagePause && now >= outage.Time)
            throw new StorageException(outage.Error.Message, outage.Error);
        try
        {
            (ApiKey, byte[])? row = await _table.FindAsync(id, cancellationToken);
            _outage = null;
            return row;
        }
        catch (StorageException error)
        {
            _outage = new Outage(error, _clock.GetUtcNow());
            throw;
        }
    }

    CachedKey? Keep(string id, (ApiKey Key, byte[] Hash)? row, DateTimeOffset now)
    {
        if (row is null)
        {
            _cache.TryRemove(id, out _);
            return null;
        }

        if (_cache.Count >= MaxCachedKeys)
            _cache.Clear();
        return _cache[id] = new CachedKey(row.Value.Key, row.Value.Hash, now);
    }

    async ValueTask RecordUseAsync(CachedKey known, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var today = DateOnly.FromDateTime(now.UtcDateTime);
        if (known.Key.LastUsed == today || _outage is not null)
            return;
        try
        {
            await _table.TouchAsync(known.Key.Id, today, cancellationToken);
        }
        catch (StorageException error)
        {
            // The day is for people; the key is valid all the same.
            _outage = new Outage(error, _clock.GetUtcNow());
            return;
        }

        _cache[known.Key.Id] = known with { Key = known.Key with { LastUsed = today } };
    }

    NewApiKey? Add(string name, string accountId, KeyScopes scopes, DateTimeOffset? expires, bool onlyIfFirst)
    {
        (string id, string text) = ApiKeyFormat.Create();
        var key = new ApiKey(id, name, accountId, scopes, ApiKeyFormat.Display(text), _clock.GetUtcNow()) { Expires = expires };
        return _table.Insert(key, _pepper.Hash(text), _pepper.Proof, onlyIfFirst) ? new NewApiKey(key, text) : null;
    }

    sealed record CachedKey(ApiKey Key, byte[] Hash, DateTimeOffset Loaded)
    {
        public bool IsNewerThan(TimeSpan age, DateTimeOffset now) => now - Loaded < age && now >= Loaded;
    }

    sealed record Outage(StorageException Error, DateTimeOffset Time);
}
