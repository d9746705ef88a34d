using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Contents;

namespace Formation.Inference.Gateway;

/// <summary>Everything about the gateway that an operator can set. Checked once, when the gateway is added to a host.</summary>
public sealed record GatewayOptions
{
    /// <summary>Who may call: <see cref="GatewayAuthentication.WithKeys"/> or <see cref="GatewayAuthentication.Anonymous"/>.</summary>
    public required GatewayAuthentication Authentication { get; init; }

    /// <summary>Models that must be loaded before <c>/health/ready</c> says yes. Empty: ready as soon as the server listens.</summary>
    public IReadOnlyList<string> ModelsForReadiness { get; init; } = [];

    /// <summary>
    /// The model of requests that name none, as those of Hugging Face's services do; null for the first of <see cref="ModelsForReadiness"/>, or
    /// else of the catalogue.
    /// </summary>
    public string? DefaultModel { get; init; }

    /// <summary>
    /// Whether <c>/metrics</c> asks for a key too. Metrics hold no text and no account, so by default a local scraper needs none.
    /// </summary>
    public bool MetricsRequireKey { get; init; }

    /// <summary>Requests for generation in progress at once, all accounts together; more are answered 429. 1 or more.</summary>
    public int MaxConcurrentRequests { get; init; } = 1024;

    /// <summary>The same for one account. 1 or more.</summary>
    public int MaxConcurrentRequestsPerAccount { get; init; } = 512;

    /// <summary>Open connections at once; further ones are closed. 1 or more.</summary>
    public int MaxConcurrentConnections { get; init; } = 4096;

    /// <summary>Largest request body in bytes; larger ones are answered 413. 1 KiB or more.</summary>
    public int MaxRequestBodyBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Largest file that is taken, in bytes; larger ones are answered 413. 1 KiB or more.</summary>
    public int MaxFileBytes { get; init; } = 128 * 1024 * 1024;

    /// <summary>Requests of batches in progress at once, all accounts together. 1 or more.</summary>
    public int BatchRequestsAtOnce { get; init; } = 8;

    /// <summary>Requests in progress that are of no batch, from which on no further one of a batch is begun. 1 or more.</summary>
    public int BatchYieldsToRequests { get; init; } = 4;

    /// <summary>How long a client may take to send a request's headers.</summary>
    public TimeSpan RequestHeadersTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a body may come slower than 240 bytes a second before the connection is cut. More than a second.</summary>
    public TimeSpan DataRateGracePeriod { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Longest silence in a stream, in which the queue and the prefill take their time: then a comment keeps the connection open.
    /// </summary>
    public TimeSpan StreamKeepAliveInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a client may leave a full buffer of its stream unread before it is cut off and its generation cancelled.</summary>
    public TimeSpan StreamStallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a shutdown waits for running requests before it cuts them off.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Where traces of the request path go (an OTLP/gRPC endpoint, for instance <c>http://127.0.0.1:4317</c>); null makes none.
    /// </summary>
    public Uri? OtlpEndpoint { get; init; }

    /// <summary>Where responses are kept; null keeps none. Not disposed by the gateway.</summary>
    public ContentStore? Contents { get; init; }

    /// <summary>The nodes that operators see and manage through <c>/formation/v1</c>; null where there is no control plane.</summary>
    public INodeDirectory? Nodes { get; init; }

    /// <summary>The models that nodes serve together; null where there is no control plane.</summary>
    public IDeploymentDirectory? Deployments { get; init; }

    /// <summary>The clock of identifiers, time stamps and time limits.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <exception cref="ArgumentException">One line for each value that is out of range.</exception>
    internal void Validate()
    {
        var errors = new List<string>();
        AtLeast(nameof(MaxConcurrentRequests), MaxConcurrentRequests, 1);
        AtLeast(nameof(MaxConcurrentRequestsPerAccount), MaxConcurrentRequestsPerAccount, 1);
        AtLeast(nameof(MaxConcurrentConnections), MaxConcurrentConnections, 1);
        AtLeast(nameof(MaxRequestBodyBytes), MaxRequestBodyBytes, 1024);
        AtLeast(nameof(MaxFileBytes), MaxFileBytes, 1024);
        AtLeast(nameof(BatchRequestsAtOnce), BatchRequestsAtOnce, 1);
        AtLeast(nameof(BatchYieldsToRequests), BatchYieldsToRequests, 1);
        Positive(nameof(RequestHeadersTimeout), RequestHeadersTimeout);
        Positive(nameof(DataRateGracePeriod), DataRateGracePeriod);
        if (DataRateGracePeriod <= TimeSpan.FromSeconds(1))
            errors.Add($"{nameof(DataRateGracePeriod)} is {DataRateGracePeriod}; use more than one second.");
        Positive(nameof(StreamKeepAliveInterval), StreamKeepAliveInterval);
        Positive(nameof(StreamStallTimeout), StreamStallTimeout);
        Positive(nameof(ShutdownTimeout), ShutdownTimeout);
        if (OtlpEndpoint is { } endpoint && endpoint.Scheme is not ("http" or "https"))
            errors.Add($"{nameof(OtlpEndpoint)} is '{endpoint}'; use an http or https URL.");
        if (errors.Count > 0)
            throw new ArgumentException("The gateway's options are not usable:\n" + string.Join('\n', errors));

        void AtLeast(string name, int value, int minimum)
        {
            if (value < minimum)
                errors.Add($"{name} is {value}; use {minimum} or more.");
        }

        void Positive(string name, TimeSpan value)
        {
            if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(1))
                errors.Add($"{name} is {value}; use more than zero and at most a day.");
        }
    }
}

/// <summary>Who may call the gateway.</summary>
public abstract record GatewayAuthentication
{
    private protected GatewayAuthentication() { }

    /// <summary>Callers show a key of this store.</summary>
    public sealed record WithKeys(ApiKeyStore Store) : GatewayAuthentication;

    /// <summary>
    /// Everybody who reaches the port may do everything, as one account named <see cref="AccountId"/>. For one person on one machine.
    /// </summary>
    public sealed record Anonymous : GatewayAuthentication
    {
        public const string AccountId = "anonymous";
    }
}
