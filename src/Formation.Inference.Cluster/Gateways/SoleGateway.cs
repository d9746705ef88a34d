using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Gateways;

/// <summary>The one gateway of a network, which decides from its start to its end.</summary>
/// <param name="own">Its key.</param>
public sealed class SoleGateway(KeyPin own) : ILeadership
{
    public long? Term => 0;

    public KeyPin? Leader => own;

    public event Action? Changed
    {
        add { }
        remove { }
    }
}
