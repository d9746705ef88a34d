using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>Why a node does not get in, in words that say what to do.</summary>
internal static class AdmissionRefusals
{
    public static Refusal NameTaken(string name) => new(
        RefusalReason.NameTaken, $"Another node is named '{name}'. Give this one another name with --name, or remove the other with 'form node remove {name}'.");

    public static Refusal WrongName(NodeRecord node, string claimed) =>
        new(RefusalReason.WrongName, $"The certificate {node.Pin.Short} is that of '{node.Name}' and not of '{claimed}'.");

    public static Refusal Unknown(KeyPin pin) => new(
        RefusalReason.UnknownCertificate, $"The certificate {pin.Short} is unknown here. Admit the node with a token from 'form node token create'.");

    public static Refusal Removed(NodeRecord node) => new(
        RefusalReason.Removed, $"The node '{node.Name}' was removed at {node.Removed:u}. Admit it anew with a token from 'form node token create'.");

    /// <summary>The database does not answer, or too many ask it.</summary>
    public static Refusal NotNow { get; } = new(RefusalReason.NotNow, "This gateway can't look up the node's key at this moment; try again.");
}
