// Writes a vulnerability database for grype: `FOLDER JSON`, where the JSON lists the vulnerabilities to plant.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"
)

type planted struct {
	ID        string `json:"id"`
	Ecosystem string `json:"ecosystem"`
	Package   string `json:"package"`
	Severity  string `json:"severity"`
	// Versions below this one are affected; it is the fixed version.
	Below string `json:"below"`
}

func main() {
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(folder, list string) error {
	var all []planted
	if err := json.Unmarshal([]byte(list), &all); err != nil {
		return err
	}
	store, err := v6.NewWriter(v6.Config{DBDirPath: folder})
	if err != nil {
		return err
	}
	if err := store.SetDBMetadata(); err != nil {
		return err
	}
	now := time.Now()
	provider := &v6.Provider{ID: "github", Version: "1", Processor: "modelcars-test", DateCaptured: &now}
	for _, one := range all {
		vulnerability := &v6.VulnerabilityHandle{
			Name:          one.ID,
			Status:        v6.VulnerabilityActive,
			PublishedDate: &now,
			ModifiedDate:  &now,
			ProviderID:    provider.ID,
			Provider:      provider,
			BlobValue: &v6.VulnerabilityBlob{
				ID:          one.ID,
				Description: "planted by a test",
				Severities:  []v6.Severity{{Scheme: v6.SeveritySchemeCHML, Value: one.Severity, Rank: 1}},
			},
		}
		if err := store.AddVulnerabilities(vulnerability); err != nil {
			return err
		}
		affected := &v6.AffectedPackageHandle{
			VulnerabilityID: vulnerability.ID,
			Package:         &v6.Package{Ecosystem: one.Ecosystem, Name: one.Package},
			BlobValue: &v6.PackageBlob{
				Ranges: []v6.Range{{
					Version: v6.Version{Type: "semver", Constraint: "< " + one.Below},
					Fix:     &v6.Fix{Version: one.Below, State: v6.FixedStatus},
				}},
			},
		}
		if err := store.AddAffectedPackages(affected); err != nil {
			return err
		}
	}
	return store.Close()
}
